// The durable mark: what is known to be on the disk of each log, kept beside the logs in one file for all of them, since the
// format of batches is fixed. Two slots per log are written in turn, each with its generation and a CRC, so that one torn write
// loses one generation. A slot names its log: the file needs no other table. A mark is a lower bound, at most one commit
// behind; exact if the log was opened so. Layout: segment_format.md. Pure. Thread: any.
#pragma once
#include "core/segment_format.h"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ion::storage_mmap {

inline constexpr uint64_t kMarkSlotBytes = 512;  // a sector: no write to one slot can tear another
inline constexpr size_t kMarkNameMax = 255;

struct Mark {
  Offset first;            // of the log
  Offset offset;           // durable end of the log
  Offset segment;          // base of the segment that holds it
  uint64_t position = 0;   // in that segment
  uint32_t digest = 0;     // of the segment up to there
  Epoch epoch{-1};
  bool operator==(const Mark&) const = default;
};
struct MarkSlot {
  uint64_t generation = 0;
  std::string log;
  Mark mark;
};

// Where slot `which` (0 or 1) of the n-th log lies. The two never share a page, whatever size the disk writes at once.
struct SlotPlace {
  uint64_t log = 0;
  uint32_t which = 0;
};
constexpr uint64_t mark_position(SlotPlace place) noexcept {
  constexpr uint64_t kPerPage = kPageBytes / kMarkSlotBytes;
  return (place.log / kPerPage * 2 + place.which) * kPageBytes + place.log % kPerPage * kMarkSlotBytes;
}
// Bytes of a mark file that has space for `logs` logs.
constexpr uint64_t mark_file_bytes(uint64_t logs) noexcept {
  constexpr uint64_t kPerPage = kPageBytes / kMarkSlotBytes;
  return (logs + kPerPage - 1) / kPerPage * 2 * kPageBytes;
}
constexpr uint64_t marks_in(uint64_t file_bytes) noexcept { return file_bytes / (2 * kPageBytes) * (kPageBytes / kMarkSlotBytes); }

std::array<uint8_t, kMarkSlotBytes> encode_mark(const Uuid& storage, const MarkSlot& slot);

enum class SlotState { kEmpty, kWhole, kGarbled };
struct ReadSlot {
  SlotState state = SlotState::kEmpty;
  MarkSlot slot;
};
ReadSlot decode_mark(const Uuid& storage, std::span<const uint8_t, kMarkSlotBytes> bytes);

// The newer of two slots that are whole and of one log; nothing if none is.
std::optional<MarkSlot> newest_mark(const ReadSlot& a, const ReadSlot& b);

}  // namespace ion::storage_mmap
