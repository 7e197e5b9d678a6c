#include "codecs.h"

#include "each_codec.h"
#include "output.h"

#include <string>

namespace ion::codecs {
namespace {

constexpr std::string_view kNames[] = {"none", "gzip", "snappy", "lz4", "zstd"};

Result<Buf> copied(Parts parts, const Room& room) {
  const uint64_t n = bytes_in(parts);
  if (n > room.bytes_max) return too_large("uncompressed", room.bytes_max);
  Output out(room);
  ION_CHECK(out.begin(n));
  copy_out(parts, 0, n, out.free_begin());
  out.add(n);
  return out.take();
}

}  // namespace

std::string_view name_of(Codec codec) noexcept { return kNames[static_cast<uint8_t>(codec)]; }

std::optional<Codec> codec_named(std::string_view name) noexcept {
  for (const Codec codec : kAll)
    if (name_of(codec) == name) return codec;
  return std::nullopt;
}

Levels levels_of(Codec codec) noexcept {
  switch (codec) {
    case Codec::kGzip: return {1, 9};
    case Codec::kLz4: return {1, 12};
    case Codec::kZstd: return {-7, 22};
    case Codec::kNone:
    case Codec::kSnappy: break;
  }
  return {0, 0};
}

struct Compressor::Contexts {
  GzipCompressor gzip;
  Lz4Compressor lz4;
  ZstdCompressor zstd;
};
Compressor::Compressor() : contexts_(std::make_unique<Contexts>()) {}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

Result<Buf> Compressor::run(Codec codec, std::span<const ion_buf> parts, int level, uint64_t front) {
  const Levels levels = levels_of(codec);
  if (level != kDefaultLevel && (level < levels.least || level > levels.most))
    return Status(ION_E_INVALID, "compression level " + std::to_string(level) + ": " + std::string(name_of(codec)) +
                                     (levels.least == levels.most ? " has no levels"
                                                                  : " has levels " + std::to_string(levels.least) + " to " + std::to_string(levels.most)));
  switch (codec) {
    case Codec::kNone: return copied(parts, {UINT64_MAX, front, {}});
    case Codec::kGzip: return contexts_->gzip.run(parts, level, front);
    case Codec::kSnappy: return compress_snappy(parts, front);
    case Codec::kLz4: return contexts_->lz4.run(parts, level, front);
    case Codec::kZstd: return contexts_->zstd.run(parts, level, front);
  }
  return Status(ION_E_UNSUPPORTED, "no codec has the number " + std::to_string(static_cast<int>(codec)));
}

struct Decompressor::Contexts {
  GzipDecompressor gzip;
  Lz4Decompressor lz4;
  ZstdDecompressor zstd;
};
Decompressor::Decompressor() : contexts_(std::make_unique<Contexts>()) {}
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

Result<Buf> Decompressor::run(Codec codec, std::span<const ion_buf> parts, const Room& room) {
  switch (codec) {
    case Codec::kNone:
      return copied(parts, room);
    case Codec::kGzip: return contexts_->gzip.run(parts, room);
    case Codec::kSnappy: return decompress_snappy(parts, room);
    case Codec::kLz4: return contexts_->lz4.run(parts, room);
    case Codec::kZstd: return contexts_->zstd.run(parts, room);
  }
  return Status(ION_E_INVALID, "record batch: no codec has the number " + std::to_string(static_cast<int>(codec)), "CORRUPT_BATCH");
}

}  // namespace ion::codecs
