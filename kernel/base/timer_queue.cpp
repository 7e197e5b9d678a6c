#include "base/timer_queue.h"

#include <ion/assert.h>

namespace ion::base {

void TimerQueue::add(uint32_t slot, Instant at) {
  ION_ASSERT(slot != kAbsent);
  if (slot >= places_.size()) places_.resize(slot + size_t{1}, kAbsent);
  ION_ASSERT(places_[slot] == kAbsent);
  heap_.emplace_back();
  rise(heap_.size() - 1, {at, next_order_++, slot});
}

bool TimerQueue::remove(uint32_t slot) {
  if (slot >= places_.size() || places_[slot] == kAbsent) return false;
  take_out(places_[slot]);
  return true;
}

std::optional<uint32_t> TimerQueue::take_due(Instant now) {
  if (heap_.empty() || heap_.front().at > now) return std::nullopt;
  const uint32_t slot = heap_.front().slot;
  take_out(0);
  return slot;
}

std::optional<Instant> TimerQueue::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

void TimerQueue::put(size_t at, const Entry& entry) {
  heap_[at] = entry;
  places_[entry.slot] = static_cast<uint32_t>(at);
}

// heap_[at] is free: finds the place of `entry` from there towards the top.
void TimerQueue::rise(size_t at, const Entry& entry) {
  while (at > 0 && entry.before(heap_[(at - 1) / 2])) {
    put(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  put(at, entry);
}

// heap_[at] is free: finds the place of `entry` from there towards the leaves.
void TimerQueue::sink(size_t at, const Entry& entry) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(entry)) break;
    put(at, heap_[child]);
    at = child;
  }
  put(at, entry);
}

void TimerQueue::take_out(size_t at) {
  ION_ASSERT(at < heap_.size());
  places_[heap_[at].slot] = kAbsent;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at > 0 && last.before(heap_[(at - 1) / 2])) {
    rise(at, last);
  } else {
    sink(at, last);
  }
}

}  // namespace ion::base
