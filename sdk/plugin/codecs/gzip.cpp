#include "codecs.h"
#include "each_codec.h"
#include "output.h"
#include "stream.h"

#include <zlib.h>

#include <limits>
#include <new>

namespace ion::codecs {
namespace {

constexpr std::string_view kName = "gzip";
constexpr int kGzipWindow = 15 + 16;  // 32 KiB, and a gzip header instead of zlib's
constexpr uInt kPieceMax = std::numeric_limits<uInt>::max();

const char* words_of(const z_stream& stream) { return stream.msg != nullptr ? stream.msg : "it is no gzip stream"; }

}  // namespace

GzipCompressor::GzipCompressor() = default;
GzipCompressor::~GzipCompressor() {
  if (stream_ != nullptr) (void)deflateEnd(stream_.get());
}

Result<Buf> GzipCompressor::run(Parts parts, int level, uint64_t front) {
  if (level == kDefaultLevel) level = Z_DEFAULT_COMPRESSION;
  if (stream_ != nullptr && level != level_) {
    (void)deflateEnd(stream_.get());
    stream_.reset();
  }
  if (stream_ == nullptr) {
    auto made = std::make_unique<z_stream>();
    if (deflateInit2(made.get(), level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
    stream_ = std::move(made), level_ = level;
  } else if (deflateReset(stream_.get()) != Z_OK) return library_failed(kName, words_of(*stream_));
  const uint64_t bytes = bytes_in(parts);
  // Incompressible input grows by 5 bytes for each 16 KiB, header and trailer; the bound of zlib for one call says how far.
  const Room unbounded{UINT64_MAX, front, {}};
  Output out(unbounded);
  ION_CHECK(out.begin(deflateBound(stream_.get(), bytes)));
  const auto feed = [&](const uint8_t* p, uint64_t n, int flush) {
    int answer = Z_OK;
    do {
      const auto piece = static_cast<uInt>(std::min<uint64_t>(n, kPieceMax));
      stream_->next_in = const_cast<Bytef*>(p), stream_->avail_in = piece;
      do {
        (void)out.make_room(1);
        const auto room = static_cast<uInt>(std::min<uint64_t>(out.free_bytes(), kPieceMax));
        stream_->next_out = out.free_begin(), stream_->avail_out = room;
        answer = deflate(stream_.get(), flush);
        out.add(room - stream_->avail_out);
      } while (stream_->avail_out == 0 && answer == Z_OK);
      p += piece, n -= piece;
    } while (n != 0);
    return answer;
  };
  for (const ion_buf& part : parts)
    if (part.n != 0 && feed(part.p, part.n, Z_NO_FLUSH) < Z_OK && stream_->avail_in != 0) return library_failed(kName, words_of(*stream_));
  if (feed(nullptr, 0, Z_FINISH) != Z_STREAM_END) return library_failed(kName, words_of(*stream_));
  return out.take();
}

GzipDecompressor::GzipDecompressor() = default;
GzipDecompressor::~GzipDecompressor() {
  if (stream_ != nullptr) (void)inflateEnd(stream_.get());
}

Result<Buf> GzipDecompressor::run(Parts parts, const Room& room) {
  if (stream_ == nullptr) {
    auto made = std::make_unique<z_stream>();
    if (inflateInit2(made.get(), kGzipWindow) != Z_OK) throw std::bad_alloc();
    stream_ = std::move(made);
  } else if (inflateReset(stream_.get()) != Z_OK) return library_failed(kName, words_of(*stream_));
  return decompress_stream(kName, parts, Frames::kOne, bytes_in(parts), room, [&](const uint8_t* p, uint64_t n, uint8_t* to, uint64_t free) {
    const auto piece = static_cast<uInt>(std::min<uint64_t>(n, kPieceMax)), most = static_cast<uInt>(std::min<uint64_t>(free, kPieceMax));
    stream_->next_in = const_cast<Bytef*>(p), stream_->avail_in = piece;
    stream_->next_out = to, stream_->avail_out = most;
    const int answer = inflate(stream_.get(), Z_NO_FLUSH);
    Step step{piece - stream_->avail_in, most - stream_->avail_out, answer == Z_STREAM_END, nullptr, answer == Z_MEM_ERROR};
    if (answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR) step.error = words_of(*stream_);
    return step;
  });
}

}  // namespace ion::codecs
