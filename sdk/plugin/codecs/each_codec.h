// Private to the codecs: one pair of contexts for each library.
#pragma once
#include "codecs.h"

#include <memory>
#include <span>

struct z_stream_s;
struct LZ4F_cctx_s;
struct LZ4F_dctx_s;
struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace ion::codecs {

using Parts = std::span<const ion_buf>;

class GzipCompressor {
 public:
  GzipCompressor();
  ~GzipCompressor();
  Result<Buf> run(Parts parts, int level, uint64_t front);

 private:
  std::unique_ptr<z_stream_s> stream_;
  int level_ = 0;
};
class GzipDecompressor {
 public:
  GzipDecompressor();
  ~GzipDecompressor();
  Result<Buf> run(Parts parts, const Room& room);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

Result<Buf> compress_snappy(Parts parts, uint64_t front);
Result<Buf> decompress_snappy(Parts parts, const Room& room);

class Lz4Compressor {
 public:
  ~Lz4Compressor();
  Result<Buf> run(Parts parts, int level, uint64_t front);

 private:
  LZ4F_cctx_s* context_ = nullptr;
};
class Lz4Decompressor {
 public:
  ~Lz4Decompressor();
  Result<Buf> run(Parts parts, const Room& room);

 private:
  LZ4F_dctx_s* context_ = nullptr;
};

class ZstdCompressor {
 public:
  ~ZstdCompressor();
  Result<Buf> run(Parts parts, int level, uint64_t front);

 private:
  ZSTD_CCtx_s* context_ = nullptr;
};
class ZstdDecompressor {
 public:
  ~ZstdDecompressor();
  Result<Buf> run(Parts parts, const Room& room);

 private:
  ZSTD_DCtx_s* context_ = nullptr;
};

}  // namespace ion::codecs
