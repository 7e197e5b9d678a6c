// The compression codecs of RecordBatch v2 behind two classes. What is compressed is the records section of a batch: everything behind
// its 61 bytes of header. Both classes keep the contexts of their libraries, so that a batch costs no set-up: keep one for each
// shard or producer. Thread: one at a time. Memory: the answer, and what the library needs: at most 8 MiB to decompress; to compress,
// as the level asks for it.
// Source of the numbers and frames: kafka.apache.org/documentation, "Record Batch"; RFC 1952, RFC 8878, the lz4 frame format 1.6.1,
// the format description of snappy, and the stream of xerial's snappy-java.
#pragma once
#include <ion/bytes.h>
#include <ion/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace ion::codecs {

// The numbers of the lowest three bits of a batch's attributes.
enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };
inline constexpr Codec kAll[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

// none, gzip, snappy, lz4, zstd: the words of configurations, options and messages.
std::string_view name_of(Codec codec) noexcept;
std::optional<Codec> codec_named(std::string_view name) noexcept;

// Levels as the libraries count them; kDefaultLevel is each one's own (gzip 6, lz4 1, zstd 3). snappy has none.
inline constexpr int kDefaultLevel = INT32_MIN;
struct Levels {
  int least, most;
};
Levels levels_of(Codec codec) noexcept;

class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;

  // One frame that holds the joined parts, readable by every Kafka client: lz4 with independent blocks, snappy as one raw block.
  // kNone answers a copy. `front` bytes in front of it are left to the caller. Errors: INVALID for a level outside of levels_of();
  // INTERNAL with the library's words.
  Result<Buf> run(Codec codec, std::span<const ion_buf> parts, int level = kDefaultLevel, uint64_t front = 0);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

// Where the answer of a decompression goes.
struct Room {
  uint64_t bytes_max = 0;  // of what is decompressed
  uint64_t front = 0;      // bytes left free in front of it, for a header
  // Asked before memory is taken, with how many bytes; a refusal ends the run. What it made room for is given back when the caller says
  // so, not when the run lets go of it. May be empty.
  std::function<Status(uint64_t more)> admit;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;

  // What the joined parts hold, behind `room.front` bytes that the caller writes. Never takes more memory for the answer than
  // `room.bytes_max` (twice, while it is made larger), nor more than twice what the answer needs or the frame has. Taken is what every Kafka client can read: so one gzip member, one lz4 frame of independent blocks, snappy raw or
  // in xerial's stream, any number of zstd frames; nothing behind them. Errors: INVALID with reason CORRUPT_BATCH (no such frame, it
  // ends early, its checksum is wrong, or not every reader takes it) or RECORD_TOO_LARGE (more than `room.bytes_max`), with words; NO_MEMORY; what
  // `room.admit` says. Only INVALID says something of the bytes.
  Result<Buf> run(Codec codec, std::span<const ion_buf> parts, const Room& room);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace ion::codecs
