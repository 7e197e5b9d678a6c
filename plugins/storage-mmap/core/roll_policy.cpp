#include "core/roll_policy.h"

#include "core/segment_format.h"

#include <algorithm>
#include <string>

namespace ion::storage_mmap {

namespace {
constexpr uint64_t kGrowth = 4, kGrowthOfLarge = 2;
constexpr uint64_t kLargeBytes = uint64_t{16} << 20;

uint64_t whole_pages(uint64_t bytes) noexcept { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }
uint64_t fit(uint64_t wanted, uint64_t segment_bytes, uint64_t needed) noexcept {
  ION_ASSERT(needed <= kAppendBytesMax);
  const uint64_t limit = std::clamp(segment_bytes, kSegmentBytesMin, kSegmentBytesMax);
  return whole_pages(std::max(std::min(wanted, limit), needed));
}
}  // namespace

Roll roll_before(const ActiveFacts& active, uint64_t bytes, const RollRules& rules, Instant now) noexcept {
  ION_ASSERT(active.used <= active.capacity);
  if (active.retired) return Roll::kRetired;
  if (bytes > active.capacity - active.used) return Roll::kFull;
  if (active.used == 0) return Roll::kNo;
  if (active.used + bytes > std::max(rules.segment_bytes, kSegmentBytesMin)) return Roll::kFull;  // the limit was lowered
  const bool old = rules.segment_age.n > 0 && active.first_append.ns != 0 && now - active.first_append >= rules.segment_age;
  return old ? Roll::kOld : Roll::kNo;
}

uint64_t next_capacity(uint64_t before, Roll why, uint64_t segment_bytes, uint64_t needed) noexcept {
  const uint64_t grown = why != Roll::kFull ? before : before >= kLargeBytes ? before * kGrowthOfLarge : std::max(before, kFirstSegmentBytes / kGrowth) * kGrowth;
  return fit(grown, segment_bytes, needed);
}

uint64_t first_capacity(uint64_t segment_bytes, uint64_t needed) noexcept { return fit(kFirstSegmentBytes, segment_bytes, needed); }

uint64_t resumed_capacity(uint64_t used, uint64_t segment_bytes, uint64_t needed) noexcept {
  return fit(std::max(2 * used, kFirstSegmentBytes), segment_bytes, std::min(used + needed, kAppendBytesMax));
}

SegmentSize next_size(uint64_t before, Roll why, uint64_t segment_bytes, uint64_t needed) noexcept {
  const uint64_t wanted = next_capacity(before, why, segment_bytes, needed);
  return {wanted, std::min(wanted, first_capacity(segment_bytes, needed))};
}

SegmentSize resumed_size(uint64_t used, uint64_t segment_bytes, uint64_t needed) noexcept {
  const uint64_t wanted = resumed_capacity(used, segment_bytes, needed);
  return {wanted, std::min(wanted, fit(used + kFirstSegmentBytes, segment_bytes, std::min(used + needed, kAppendBytesMax)))};
}

bool worth_zeroing(uint64_t segment_bytes, uint64_t flushes) noexcept { return flushes > segment_bytes / kBytesPerFlush; }

uint32_t segments_ahead(const ActiveFacts& active, bool has_rolled, uint32_t ahead, uint64_t next_bytes) noexcept {
  if (has_rolled && next_bytes <= kSmallSegmentBytes) return ahead;
  return active.used > active.capacity / 2 ? std::min<uint32_t>(ahead, 1) : 0;
}

LogClass class_of(std::string_view log) noexcept {
  if (log.starts_with("p/")) return LogClass::kData;
  if (log.starts_with("raft/") || log.starts_with("meta/")) return LogClass::kVital;
  return LogClass::kOther;
}

Status check_space(const Space& space, uint64_t bytes, LogClass who, const SpaceRules& rules) {
  if (who == LogClass::kVital || space.total_bytes == 0) return {};
  const bool data = who == LogClass::kData;
  const uint32_t permille = data ? rules.refuse_produce_permille : rules.read_only_permille;
  const uint64_t used = space.total_bytes - std::min(space.free_bytes, space.total_bytes) + bytes;
  if (used / 1000 <= space.total_bytes / 1000 * permille / 1000) return {};
  return {ION_E_NO_SPACE, "the disk has " + std::to_string(space.free_bytes) + " of " + std::to_string(space.total_bytes) +
                              " bytes free; a new segment of " + std::to_string(bytes) + " bytes would fill it above " +
                              (data ? "refuse_produce_at " : "read_only_at ") + std::to_string(permille) + "/1000"};
}

}  // namespace ion::storage_mmap
