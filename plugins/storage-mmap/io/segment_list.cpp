#include "io/segment_list.h"

#include <algorithm>

namespace ion::storage_mmap {

SegmentRef SegmentList::find(Offset from) const {
  auto at = std::upper_bound(segments_.begin(), segments_.end(), from,
                             [](Offset offset, const SegmentRef& s) { return offset < s->base(); });
  if (at != segments_.begin()) --at;
  while (at != segments_.end() && (*at)->next() <= from) ++at;
  return at == segments_.end() ? nullptr : *at;
}

const Damage* SegmentList::damage_at(Offset offset) const noexcept {
  for (const Damage& d : damage_)
    if (offset >= d.range.from && offset < d.range.upto) return &d;
  return nullptr;
}

ReadExtent SegmentList::readable(const Segment& segment, Offset from) const noexcept {
  ReadExtent extent;
  for (const Damage& d : damage_) {
    if (d.segment != segment.base()) continue;
    if (d.range.upto > from) extent.end = std::min(extent.end, d.range.position);
    else extent.begin = std::max(extent.begin, d.range.position_end);
  }
  return extent;
}

uint64_t SegmentList::bytes() const noexcept {
  uint64_t n = 0;
  for (const SegmentRef& s : segments_) n += s->end();
  return n;
}

std::vector<ion_range> SegmentList::sealed_ranges(Offset from, size_t cap) const {
  std::vector<ion_range> ranges;
  for (size_t i = 0; i + 1 < segments_.size() && ranges.size() < cap; ++i) {
    const Segment& s = *segments_[i];
    const Offset next = segments_[i + 1]->base();
    if (next > from && s.end() > 0) ranges.push_back({std::max(s.base(), first_).v, next.v, s.end(), s.time_max().ms, s.summary().last_append.ms});
  }
  return ranges;
}

WallMs SegmentList::last_append() const {
  for (auto s = segments_.rbegin(); s != segments_.rend(); ++s)
    if ((*s)->end() > 0) return (*s)->summary().last_append;
  return WallMs{-1};
}

SegmentsNow SegmentList::with(SegmentRef another) const {
  std::vector<SegmentRef> segments = segments_;
  // An empty one that was too small for what comes is replaced, in the directory too: the other takes its name.
  if (!segments.empty() && segments.back()->base() == another->base()) segments.pop_back();
  ION_ASSERT(segments.empty() || segments.back()->base() < another->base());
  segments.push_back(std::move(another));
  return std::make_shared<const SegmentList>(first_, std::move(segments), damage_);
}

SegmentsNow SegmentList::with_damage(const std::vector<Damage>& more) const {
  std::vector<Damage> damage = damage_;
  damage.insert(damage.end(), more.begin(), more.end());
  std::stable_sort(damage.begin(), damage.end(), [](const Damage& a, const Damage& b) { return a.range.from < b.range.from; });
  return std::make_shared<const SegmentList>(first_, segments_, std::move(damage));
}

SegmentsNow SegmentList::from(Offset first) const {
  std::vector<SegmentRef> segments;
  for (size_t i = 0; i < segments_.size(); ++i)
    if (i + 1 == segments_.size() || segments_[i + 1]->base() > first) segments.push_back(segments_[i]);
  std::vector<Damage> damage = damage_;
  std::erase_if(damage, [&](const Damage& d) { return d.range.upto <= first; });
  return std::make_shared<const SegmentList>(std::max(first, first_), std::move(segments), std::move(damage));
}

SegmentsNow SegmentList::replaced(Offset base, Offset next, const SegmentRef& instead) const {
  std::vector<SegmentRef> segments;
  for (const SegmentRef& s : segments_) {
    if (s->base() == base) segments.push_back(instead);
    else if (s->base() < base || s->base() >= next) segments.push_back(s);
  }
  return std::make_shared<const SegmentList>(first_, std::move(segments), damage_);
}

SegmentsNow SegmentList::cut(Offset keep_below, SegmentRef last) const {
  ION_ASSERT(last->base() >= keep_below && last->base() >= first_);
  std::vector<SegmentRef> segments;
  for (const SegmentRef& s : segments_)
    if (s->base() < keep_below) segments.push_back(s);
  segments.push_back(std::move(last));
  return std::make_shared<const SegmentList>(first_, std::move(segments), damage_);
}

}  // namespace ion::storage_mmap
