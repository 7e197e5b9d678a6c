// When a segment is closed and the next one begins, how large the next one is, how many wait ready, and who is refused when the
// disk fills up. Small logs have small segments: each one that fills up makes the next four times as large, twice from 16 MiB on, up
// to the limit.
// Pure, integers only. Thread: any.
#pragma once
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <string_view>

namespace ion::storage_mmap {

inline constexpr uint64_t kFirstSegmentBytes = uint64_t{64} << 10;
inline constexpr uint64_t kSegmentBytesMin = uint64_t{4} << 10;  // a page
inline constexpr uint64_t kSegmentBytesMax = uint64_t{4} << 30;
inline constexpr uint64_t kAppendBytesMax = uint64_t{2} << 30;   // one append call: it never crosses a segment

struct RollRules {
  uint64_t segment_bytes = 0;
  Nanos segment_age{};  // 0: never
};
struct ActiveFacts {
  uint64_t capacity = 0, used = 0;
  Instant first_append;  // 0: none yet
  bool retired = false;  // a write to it failed for want of space: nothing more goes in
};
enum class Roll { kNo, kFull, kOld, kRetired };

// Whether the active segment must be closed before `bytes` more are appended. An empty one is closed only if it is too small.
Roll roll_before(const ActiveFacts& active, uint64_t bytes, const RollRules& rules, Instant now) noexcept;

// Of a segment that is to be made: `least` will do where `wanted` finds no space, so that a small write is not refused for the sake of a
// large segment.
struct SegmentSize {
  uint64_t wanted = 0, least = 0;
};

// Bytes of the segment behind one of `before` bytes that was closed for `why`; at least `needed`, whole pages.
uint64_t next_capacity(uint64_t before, Roll why, uint64_t segment_bytes, uint64_t needed) noexcept;
// The least one is as large as a first one.
SegmentSize next_size(uint64_t before, Roll why, uint64_t segment_bytes, uint64_t needed) noexcept;
uint64_t first_capacity(uint64_t segment_bytes, uint64_t needed) noexcept;
// Bytes that the file of a segment gets when a log is appended to again that was closed with `used` bytes in it.
uint64_t resumed_capacity(uint64_t used, uint64_t segment_bytes, uint64_t needed) noexcept;
// The least one grows by as much as a first one has.
SegmentSize resumed_size(uint64_t used, uint64_t segment_bytes, uint64_t needed) noexcept;

// Whether the next segments are filled with zeros before their use. That makes a flush cheaper (no extent has to be converted and
// noted in the journal) and costs a second write of every byte, so it is for logs that are flushed often: at least once in
// kBytesPerFlush of what their last segment took.
inline constexpr uint64_t kBytesPerFlush = uint64_t{4} << 20;
bool worth_zeroing(uint64_t segment_bytes, uint64_t flushes) noexcept;

// How many segments of `next_bytes` should wait ready. A log that never filled one asks late, and so does one whose segments are
// large: they take long to fill, and what waits ready is space that nobody else has. Small ones are gone before one is made.
inline constexpr uint64_t kSmallSegmentBytes = uint64_t{4} << 20;
uint32_t segments_ahead(const ActiveFacts& active, bool has_rolled, uint32_t ahead, uint64_t next_bytes) noexcept;

// ---- Disk space.
enum class LogClass { kData, kOther, kVital };  // p/..., state/..., raft/... and meta/...
LogClass class_of(std::string_view log) noexcept;

struct SpaceRules {
  uint32_t refuse_produce_permille = 950, read_only_permille = 980;
};
struct Space {
  uint64_t free_bytes = 0, total_bytes = 0;
};
// NO_SPACE when a segment of `bytes` for a log of this class would leave too little, with both numbers.
Status check_space(const Space& space, uint64_t bytes, LogClass who, const SpaceRules& rules);

}  // namespace ion::storage_mmap
