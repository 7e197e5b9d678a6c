#include "io/segment_list.h"

#include <algorithm>

namespace ion::storage_mmap {

SegmentList::SegmentList(Offset first, std::vector<SegmentRef> segments, std::vector<Damage> damage) : first_(first), segments_(std::move(segments)) {
  for (Damage& d : damage) {
    if (!is_below(d)) damage_.push_back(d);
    else if (holds(d.segment)) passed_.push_back(d);
  }
}

std::vector<Damage> SegmentList::all_damage() const {
  std::vector<Damage> all = passed_;
  all.insert(all.end(), damage_.begin(), damage_.end());
  return all;
}

bool SegmentList::holds(Offset base) const noexcept {
  return std::any_of(segments_.begin(), segments_.end(), [&](const SegmentRef& s) { return s->base() == base; });
}

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
  for (const std::vector<Damage>* const some : {&passed_, &damage_}) {
    for (const Damage& d : *some) {
      if (d.segment != segment.base()) continue;
      if (d.range.upto > from) extent.end = std::min(extent.end, d.range.position);
      else extent.begin = std::max(extent.begin, d.range.position_end);
    }
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
    const bool has_damage = std::any_of(damage_.begin(), damage_.end(), [&](const Damage& d) { return d.segment == s.base() || (d.range.from >= s.base() && d.range.from < next); });
    if (next > from && (s.end() > 0 || has_damage)) ranges.push_back({std::max(s.base(), first_).v, next.v, s.end(), s.time_max().ms, s.summary().last_append.ms});
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
  return std::make_shared<const SegmentList>(first_, std::move(segments), all_damage());
}

SegmentsNow SegmentList::with_damage(const std::vector<Damage>& more) const {
  std::vector<Damage> damage = all_damage();
  damage.insert(damage.end(), more.begin(), more.end());
  std::stable_sort(damage.begin(), damage.end(), [](const Damage& a, const Damage& b) { return a.range.from < b.range.from; });
  return std::make_shared<const SegmentList>(first_, segments_, std::move(damage));
}

SegmentsNow SegmentList::from(Offset first) const {
  std::vector<SegmentRef> segments;
  for (size_t i = 0; i < segments_.size(); ++i)
    if (i + 1 == segments_.size() || segments_[i + 1]->base() > first) segments.push_back(segments_[i]);
  return std::make_shared<const SegmentList>(std::max(first, first_), std::move(segments), all_damage());
}

SegmentsNow SegmentList::replaced(Offset base, Offset next, const SegmentRef& instead) const {
  std::vector<SegmentRef> segments;
  for (const SegmentRef& s : segments_) {
    if (s->base() == base) segments.push_back(instead);
    else if (s->base() < base || s->base() >= next) segments.push_back(s);
  }
  std::vector<Damage> damage = all_damage();
  std::erase_if(damage, [&](const Damage& d) {
    const Offset at = d.segment.v >= 0 ? d.segment : d.range.from;
    return at >= base && at < next;
  });
  return std::make_shared<const SegmentList>(first_, std::move(segments), std::move(damage));
}

SegmentsNow SegmentList::cut(Offset keep_below, SegmentRef last) const {
  ION_ASSERT(last->base() >= keep_below && last->base() >= first_);
  std::vector<SegmentRef> segments;
  for (const SegmentRef& s : segments_)
    if (s->base() < keep_below) segments.push_back(s);
  segments.push_back(std::move(last));
  return std::make_shared<const SegmentList>(first_, std::move(segments), all_damage());
}

}  // namespace ion::storage_mmap
