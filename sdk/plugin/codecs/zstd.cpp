#include "codecs.h"
#include "each_codec.h"
#include "output.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <new>

namespace ion::codecs {
namespace {

constexpr std::string_view kName = "zstd";

}  // namespace

ZstdCompressor::~ZstdCompressor() { (void)ZSTD_freeCCtx(context_); }

Result<Buf> ZstdCompressor::run(Parts parts, int level, uint64_t front) {
  if (context_ == nullptr && (context_ = ZSTD_createCCtx()) == nullptr) throw std::bad_alloc();
  const uint64_t bytes = bytes_in(parts);
  (void)ZSTD_CCtx_reset(context_, ZSTD_reset_session_and_parameters);
  for (const size_t answer : {ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level == kDefaultLevel ? ZSTD_CLEVEL_DEFAULT : level),
                              ZSTD_CCtx_setPledgedSrcSize(context_, bytes)})
    if (ZSTD_isError(answer)) return library_failed(kName, ZSTD_getErrorName(answer));
  const Room unbounded{UINT64_MAX, front, {}};
  Output out(unbounded);
  ION_CHECK(out.begin(ZSTD_compressBound(bytes)));
  const auto feed = [&](const ion_buf& part, ZSTD_EndDirective end) -> Status {
    ZSTD_inBuffer in{part.p, part.n, 0};
    size_t left = 0;
    do {
      ION_CHECK(out.make_room(1));
      ZSTD_outBuffer to{out.free_begin(), out.free_bytes(), 0};
      left = ZSTD_compressStream2(context_, &to, &in, end);
      if (ZSTD_isError(left)) return library_failed(kName, ZSTD_getErrorName(left));
      out.add(to.pos);
    } while (end == ZSTD_e_end ? left != 0 : in.pos < in.size);
    return {};
  };
  for (const ion_buf& part : parts)
    if (part.n != 0) ION_CHECK(feed(part, ZSTD_e_continue));
  ION_CHECK(feed({}, ZSTD_e_end));
  return out.take();
}

ZstdDecompressor::~ZstdDecompressor() { (void)ZSTD_freeDCtx(context_); }

// In one call over one piece: a stream would keep a window of up to 128 MiB for a foreign frame that asks for it. Where no frame says its
// size, the answer is begun small and made twice as large as often as needed.
Result<Buf> ZstdDecompressor::run(Parts parts, const Room& room) {
  if (context_ == nullptr && (context_ = ZSTD_createDCtx()) == nullptr) throw std::bad_alloc();
  const uint64_t bytes = bytes_in(parts);
  if (bytes == 0) return corrupt(kName, "ends early");
  Buf joined;
  const uint8_t* from = parts.front().p;
  if (parts.size() > 1) {
    const Room compressed{bytes, 0, room.admit};
    Output whole(compressed);
    ION_CHECK(whole.begin(bytes));
    copy_out(parts, 0, bytes, whole.free_begin());
    whole.add(bytes);
    joined = whole.take();
    from = joined.data();
  }
  const unsigned long long said = ZSTD_getFrameContentSize(from, bytes);
  if (said == ZSTD_CONTENTSIZE_ERROR) return corrupt(kName, "is no zstd frame");
  if (said != ZSTD_CONTENTSIZE_UNKNOWN && said > room.bytes_max) return too_large(kName, room.bytes_max);
  for (uint64_t expected = said != ZSTD_CONTENTSIZE_UNKNOWN ? said : bytes * 4;;) {
    Output out(room);
    ION_CHECK(out.begin(expected));
    const uint64_t capacity = out.free_bytes();
    const size_t answer = ZSTD_decompressDCtx(context_, out.free_begin(), capacity, from, bytes);
    if (!ZSTD_isError(answer)) {
      out.add(answer);
      return out.take();
    }
    switch (ZSTD_getErrorCode(answer)) {
      case ZSTD_error_dstSize_tooSmall:
        if (capacity >= room.bytes_max) return too_large(kName, room.bytes_max);
        expected = capacity * 2;
        break;
      case ZSTD_error_memory_allocation: return no_memory(capacity);
      default: return corrupt(kName, "cannot be read: " + std::string(ZSTD_getErrorName(answer)));
    }
  }
}

}  // namespace ion::codecs
