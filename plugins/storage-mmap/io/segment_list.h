// The segments of a log at one moment, ascending, and which offsets of them cannot be read. Immutable: roll, truncation and newly
// found damage make another list and publish it; readers keep the one they began with. Damage below the first offset is no damage of the
// log any more, but readers must not look at its bytes on their way to what lies behind. Thread: any.
#pragma once
#include "io/segment.h"

#include <ion/contract/storage.h>

#include <memory>
#include <vector>

namespace ion::storage_mmap {

using SegmentRef = std::shared_ptr<Segment>;

struct Damage {
  BadRange range;
  Offset segment{-1};  // that holds the bad bytes; -1: there are none, a file is missing
};

class SegmentList {
 public:
  SegmentList(Offset first, std::vector<SegmentRef> segments, std::vector<Damage> damage);

  Offset first() const noexcept { return first_; }
  const std::vector<SegmentRef>& segments() const noexcept { return segments_; }
  const std::vector<Damage>& damage() const noexcept { return damage_; }
  // It went with the beginning of the log.
  bool is_below(const Damage& d) const noexcept { return d.range.upto <= first_ && d.range.from < first_; }

  // The segment whose bytes may hold `from`, or the first behind it; null at the end.
  SegmentRef find(Offset from) const;
  // The damage that covers the offset, if any.
  const Damage* damage_at(Offset offset) const noexcept;
  // The bytes of a segment in which reads from `from` on may look: from behind the last damage below it to the next one above. What
  // damaged headers say of their offsets is no reason to hand them out.
  ReadExtent readable(const Segment& segment, Offset from) const noexcept;
  uint64_t bytes() const noexcept;
  WallMs last_append() const;  // -1: there is nothing, or nobody knows
  // Sealed pieces from the one that ends above `from` on, at most `cap`.
  std::vector<ion_range> sealed_ranges(Offset from, size_t cap) const;

  // ---- successors
  std::shared_ptr<const SegmentList> with(SegmentRef another) const;
  std::shared_ptr<const SegmentList> with_damage(const std::vector<Damage>& more) const;
  // Starts at `first`: without the segments that end at or below it; the last one always stays.
  std::shared_ptr<const SegmentList> from(Offset first) const;
  // With `instead` in the place of the segments that begin in [base, next), and of what was damaged of them.
  std::shared_ptr<const SegmentList> replaced(Offset base, Offset next, const SegmentRef& instead) const;
  // Goes on in `last` behind the segments that begin below `keep_below`; the others are gone.
  std::shared_ptr<const SegmentList> cut(Offset keep_below, SegmentRef last) const;

 private:
  std::vector<Damage> all_damage() const;
  bool holds(Offset base) const noexcept;

  const Offset first_;
  const std::vector<SegmentRef> segments_;
  std::vector<Damage> damage_, passed_;  // passed_: below first_, in a segment that is there
};

using SegmentsNow = std::shared_ptr<const SegmentList>;

}  // namespace ion::storage_mmap
