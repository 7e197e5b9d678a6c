#include "codecs.h"
#include "each_codec.h"
#include "output.h"
#include "stream.h"

#include <zstd.h>

#include <new>

namespace ion::codecs {
namespace {

constexpr std::string_view kName = "zstd";
constexpr int kWindowLogMax = 27;  // what other readers take by default

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

Result<Buf> ZstdDecompressor::run(Parts parts, const Room& room) {
  if (context_ == nullptr) {
    if ((context_ = ZSTD_createDCtx()) == nullptr) throw std::bad_alloc();
    (void)ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kWindowLogMax);
  } else (void)ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
  return decompress_stream(kName, parts, Frames::kAnyNumber, bytes_in(parts) * 4, room,
                           [&](const uint8_t* p, uint64_t n, uint8_t* to, uint64_t free) {
                             ZSTD_inBuffer in{p, n, 0};
                             ZSTD_outBuffer out{to, free, 0};
                             const size_t answer = ZSTD_decompressStream(context_, &out, &in);
                             Step step{in.pos, out.pos, answer == 0, nullptr};
                             if (ZSTD_isError(answer)) step.error = ZSTD_getErrorName(answer);
                             return step;
                           });
}

}  // namespace ion::codecs
