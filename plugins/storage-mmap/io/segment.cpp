#include "io/segment.h"

#include <algorithm>

namespace ion::storage_mmap {

bool SegmentBody::is_checked(uint64_t at, uint64_t n) const {
  if (checked == nullptr || n == 0) return true;
  const size_t first = index.floor_of(at), last = index.floor_of(at + n - 1);
  if (first == kNoEntry) return false;
  for (size_t i = first; i <= last; ++i)
    if (checked[i].load(std::memory_order_acquire) == 0) return false;
  return true;
}

void SegmentBody::set_checked(size_t first_entry, size_t last_entry) noexcept {
  for (size_t i = first_entry; i <= last_entry; ++i) checked[i].store(1, std::memory_order_release);
}

void SegmentBody::push(const Checkpoint& entry) noexcept {
  if (index.size() == index.capacity()) return;
  if (checked != nullptr) checked[index.size()].store(1, std::memory_order_release);
  index.push(entry);
}

Segment::Segment(const SegmentSummary& known, DiskSide disk_side, uint64_t capacity)
    : disk(std::move(disk_side)), base_(known.base), capacity_(capacity), end_(known.end), next_(known.next.v), time_max_(known.time_max.ms), summary_(known) {}

std::shared_ptr<SegmentBody> Segment::body() const {
  const std::lock_guard lock(mutex_);
  return body_;
}

void Segment::set_body(std::shared_ptr<SegmentBody> body) {
  std::shared_ptr<SegmentBody> before;  // goes outside the lock: it may unmap
  const std::lock_guard lock(mutex_);
  before = std::exchange(body_, std::move(body));
}

void Segment::offer_body(std::shared_ptr<SegmentBody> body) {
  const std::lock_guard lock(mutex_);
  if (body_ == nullptr) body_ = std::move(body);
}

void Segment::pin_body(std::shared_ptr<SegmentBody> body) {
  std::shared_ptr<SegmentBody> before;
  const std::lock_guard lock(mutex_);
  before = std::exchange(body_, std::move(body));
  pinned_ = true;
}

void Segment::unpin() {
  const std::lock_guard lock(mutex_);
  pinned_ = false;
}

void Segment::drop_body() {
  std::shared_ptr<SegmentBody> before;
  const std::lock_guard lock(mutex_);
  if (!pinned_) before = std::exchange(body_, nullptr);
}

Result<ReadWindow> Segment::window(const SegmentBody& body, const ReadBounds& bounds, const ReadExtent& readable) const {
  const LiveIndex& index = body.index;
  const uint64_t end = std::min({readable.end, end_.load(std::memory_order_acquire), uint64_t{body.map->bytes().size()}});
  const size_t entry = index.floor_of(bounds.from);
  // Below the first entry: the first batch holds it or comes behind it.
  const uint64_t indexed = entry == kNoEntry ? (index.size() == 0 ? 0 : index.at(0).position) : index.at(entry).position;
  const uint64_t start = std::max(indexed, readable.begin);
  if (start >= end) return ReadWindow{};
  // What may be looked at: the batch that holds `from` begins at or below the next entry. A reader that goes on where it was often asks for
  // the very offset of an entry: then it begins there, and no page is asked for twice.
  const size_t above = entry == kNoEntry ? 0 : entry + 1;
  const bool begins_there = entry != kNoEntry && index.at(entry).offset == bounds.from;
  const uint64_t wanted_at = begins_there ? start : std::max(start, std::min(end, above < index.size() ? index.at(above).position : end));
  const uint64_t looked_at = std::min(end - wanted_at, bounds.bytes_max) + batch::kHeaderBytes;
  const uint64_t looked_upto = std::min(end, wanted_at + looked_at);
  ION_CHECK(ReadMap::bring_in(body.map, start, looked_upto - start));
  // The batch before an entry ends at or below the entry's offset. One entry less, so that the walk sees the last batch.
  const auto skip_to = [&](uint64_t at, Offset upto, uint64_t bytes_end) {
    const size_t by_offset = index.floor_of(upto), by_position = index.floor_of(bytes_end);
    if (by_offset == kNoEntry || by_position == kNoEntry) return at;
    const size_t last = std::min(by_offset, by_position);
    return last == 0 ? at : std::max(at, index.at(last - 1).position);
  };
  const Result<ReadWindow> found = find_window(body.map->bytes().first(end), start, bounds, skip_to);
  if (found && found->at + found->bytes > looked_upto)  // one batch that is larger than what was asked for
    ION_CHECK(ReadMap::bring_in(body.map, looked_upto, found->at + found->bytes - looked_upto));
  return found;
}

void Segment::publish(const SegmentSummary& now) noexcept {
  end_.store(now.end, std::memory_order_release);
  next_.store(now.next.v, std::memory_order_release);
  time_max_.store(now.time_max.ms, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  summary_ = now;
}

void Segment::cut(const SegmentSummary& now, std::shared_ptr<SegmentBody> body) {
  next_.store(now.next.v, std::memory_order_release);
  end_.store(now.end, std::memory_order_release);
  set_body(std::move(body));
  const std::lock_guard lock(mutex_);
  summary_ = now;
}

SegmentSummary Segment::summary() const {
  const std::lock_guard lock(mutex_);
  return summary_;
}

}  // namespace ion::storage_mmap
