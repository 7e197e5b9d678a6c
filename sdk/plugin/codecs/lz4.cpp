#include "codecs.h"
#include "each_codec.h"
#include "output.h"
#include "stream.h"

#include <lz4frame.h>

#include <new>

namespace ion::codecs {
namespace {

constexpr std::string_view kName = "lz4";

// The library tells its errors apart by their names only.
bool is_no_memory(size_t answer) { return std::string_view(LZ4F_getErrorName(answer)) == "ERROR_allocation_failed"; }

}  // namespace

Lz4Compressor::~Lz4Compressor() { (void)LZ4F_freeCompressionContext(context_); }

Result<Buf> Lz4Compressor::run(Parts parts, int level, uint64_t front) {
  if (context_ == nullptr && LZ4F_isError(LZ4F_createCompressionContext(&context_, LZ4F_VERSION))) throw std::bad_alloc();
  LZ4F_preferences_t how{};
  how.frameInfo.blockSizeID = LZ4F_max64KB;
  how.frameInfo.blockMode = LZ4F_blockIndependent;  // Kafka's Java reader refuses linked ones
  how.compressionLevel = level == kDefaultLevel ? 1 : level;
  const Room unbounded{UINT64_MAX, front, {}};
  Output out(unbounded);
  ION_CHECK(out.begin(LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(bytes_in(parts), &how)));
  const auto add = [&](size_t answer) -> Status {
    if (LZ4F_isError(answer)) return library_failed(kName, LZ4F_getErrorName(answer));
    out.add(answer);
    return {};
  };
  ION_CHECK(add(LZ4F_compressBegin(context_, out.free_begin(), out.free_bytes(), &how)));
  for (const ion_buf& part : parts) {
    if (part.n == 0) continue;
    ION_CHECK(out.make_room(LZ4F_compressBound(part.n, &how)));
    ION_CHECK(add(LZ4F_compressUpdate(context_, out.free_begin(), out.free_bytes(), part.p, part.n, nullptr)));
  }
  ION_CHECK(out.make_room(LZ4F_compressBound(0, &how)));
  ION_CHECK(add(LZ4F_compressEnd(context_, out.free_begin(), out.free_bytes(), nullptr)));
  return out.take();
}

Lz4Decompressor::~Lz4Decompressor() { (void)LZ4F_freeDecompressionContext(context_); }

Result<Buf> Lz4Decompressor::run(Parts parts, const Room& room) {
  if (context_ == nullptr) {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION))) throw std::bad_alloc();
  } else LZ4F_resetDecompressionContext(context_);
  uint8_t head[LZ4F_HEADER_SIZE_MAX] = {};
  size_t head_bytes = std::min<uint64_t>(bytes_in(parts), sizeof head);
  copy_out(parts, 0, head_bytes, head);
  LZ4F_frameInfo_t frame{};
  if (const size_t answer = LZ4F_getFrameInfo(context_, &frame, head, &head_bytes); LZ4F_isError(answer))
    return is_no_memory(answer) ? no_memory(bytes_in(parts)) : corrupt(kName, "cannot be read: " + std::string(LZ4F_getErrorName(answer)));
  if (frame.frameType == LZ4F_skippableFrame) return corrupt(kName, "begins with a skippable frame, which not every reader reads");
  if (frame.blockMode != LZ4F_blockIndependent) return corrupt(kName, "has linked blocks, which not every reader reads: write independent ones");
  if (frame.dictID != 0) return corrupt(kName, "wants a dictionary");
  if (frame.contentSize > room.bytes_max) return too_large(kName, room.bytes_max);
  LZ4F_resetDecompressionContext(context_);  // the stream is shown from its first byte again
  return decompress_stream(kName, parts, Frames::kOne, bytes_in(parts), room, [&](const uint8_t* p, uint64_t n, uint8_t* to, uint64_t free) {
    size_t read = n, written = free;
    const size_t answer = LZ4F_decompress(context_, to, &written, p, &read, nullptr);
    Step step{read, written, answer == 0, nullptr, false};
    if (LZ4F_isError(answer)) step.error = LZ4F_getErrorName(answer), step.no_memory = is_no_memory(answer);
    return step;
  });
}

}  // namespace ion::codecs
