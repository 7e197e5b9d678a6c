// What lies in a segment file (drawn in segment_format.md): record batches one behind the other and then zeros, no header of
// its own. Also what is known of a segment without reading it, and the digest that guards what a batch's CRC leaves out.
// Pure. Thread: any.
#pragma once
#include <ion/bytes.h>
#include <ion/crc32c.h>
#include <ion/ids.h>
#include <ion/record_batch.h>
#include <ion/result.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace ion::storage_mmap {

inline constexpr uint64_t kPageBytes = 4096;

// Whose file it is: an index that was copied beside a foreign segment does not prove itself.
struct Owner {
  Uuid storage;
  uint32_t log = 0;  // CRC-32C of the log's name
};
inline Owner owner_of(const Uuid& storage, std::string_view log) { return {storage, crc32c::of(span_of(log))}; }

// The running digest of a segment. Base offset, length, epoch and magic of a batch lie outside its own CRC; the digest chains
// those 17 bytes and the CRC of every batch, beginning with the name of the segment.
inline constexpr uint64_t kDigestedBytes = batch::kCrcFrom;
static_assert(kDigestedBytes == 21 && batch::kCrcAt == 17);
inline uint32_t digest_seed(Offset base) noexcept {
  std::array<uint8_t, 8> raw{};
  batch::store_big<int64_t>(raw.data(), base.v);
  return crc32c::of(raw);
}
inline uint32_t extend_digest(uint32_t digest, const uint8_t* header) noexcept {
  return crc32c::extend(digest, {header, kDigestedBytes});
}

// A place between two batches that is known from elsewhere: an entry of the index, or the durable mark. `offset` is the base
// of the batch that begins here (index) or the log's next (mark, end of index).
struct Checkpoint {
  Offset offset;
  uint64_t position = 0;
  uint32_t digest = 0;    // of all batches before
  WallMs time_before{-1};  // the greatest record time of the segment's batches before; only the index needs it
};

// What is known of a segment without reading it.
struct SegmentSummary {
  Offset base, next;
  uint64_t end = 0;     // bytes of batches; zeros follow
  uint32_t digest = 0;  // of all of them
  Epoch epoch{-1};      // of the last
  WallMs time_max{-1};
  // By the wall clock: when its first and its last batch were appended. -1: there is none, or nobody knows.
  WallMs first_append{-1}, last_append{-1};
};

// Why bytes are not taken for a batch.
enum class Fault : uint8_t {
  kNone,
  kEnd,       // no batch: a zero length, or fewer bytes than a header needs
  kMagic,     // of another format
  kLength,    // reaches beyond the file, or is shorter than a header
  kCount,     // count and last offset delta do not fit together
  kOffset,    // begins below the end of the batch before
  kChecksum,  // the CRC is another one
  kDigest,    // the bytes outside the CRC are others than at the time they were written
  kMissing,   // bytes that were durable are not there
};
std::string_view fault_text(Fault fault) noexcept;

// Judges the 61 bytes of a header alone, with `room` bytes left in the file from where it begins.
Fault judge_header(const batch::Header& header, uint64_t room) noexcept;

}  // namespace ion::storage_mmap
