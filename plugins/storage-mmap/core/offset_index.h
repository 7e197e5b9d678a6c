// The sparse offset index of a segment: one entry each few KiB of batches, in memory while the segment is open, in a file beside
// it once it is sealed and its bytes are durable. The file carries a CRC and its own identity; when it is missing or does not
// prove itself it is built again from the batches. Layout: segment_format.md. Pure. Thread: any.
#pragma once
#include "core/segment_format.h"

#include <cstddef>
#include <span>
#include <vector>

namespace ion::storage_mmap {

// Of time, too: what lies before an entry has a greatest record time, so that a time is looked for by halving.
struct SegmentIndex {
  SegmentSummary summary;
  std::vector<Checkpoint> entries;  // ascending; the first is at position 0
};
inline constexpr uint64_t kIndexHeaderBytes = 96;
inline constexpr uint64_t kIndexEntryBytes = 28;
inline constexpr uint64_t kIndexEntriesMax = uint64_t{4} << 20;

std::vector<uint8_t> encode_index(const Owner& owner, const SegmentIndex& index);
// What the first 96 bytes alone say. CORRUPT, and why, when they do not prove themselves to be of this segment of this log.
Result<SegmentSummary> decode_index_summary(const Owner& owner, Offset base, std::span<const uint8_t> bytes);
// CORRUPT, and why, when the bytes do not prove themselves to be the index of this segment of this log.
Result<SegmentIndex> decode_index(const Owner& owner, Offset base, std::span<const uint8_t> bytes);

inline constexpr size_t kNoEntry = SIZE_MAX;
// The last of `n` ascending entries for which `is_at_or_below(entry)` holds, kNoEntry if it holds for none.
template <class At, class Below>
size_t floor_entry(size_t n, At&& entry_at, Below&& is_at_or_below) {
  size_t low = 0;  // all below `low` hold, none from `n` on does
  while (low < n) {
    const size_t middle = low + (n - low) / 2;
    if (is_at_or_below(entry_at(middle))) low = middle + 1;
    else n = middle;
  }
  return low == 0 ? kNoEntry : low - 1;
}

}  // namespace ion::storage_mmap
