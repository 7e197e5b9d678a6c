// Which timer is due next: a binary heap of slots that knows where each slot stands, so that taking one out costs what
// putting it in costs. Exact to the nanosecond, and timers of one instant come out in the order they were put in.
// A wheel would be cheaper per timer and late by up to its tick. Values only: `now` is an argument, nothing is locked.
#pragma once
#include <ion/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ion::base {

class TimerQueue {
 public:
  void add(uint32_t slot, Instant at);  // a slot that is not in
  bool remove(uint32_t slot);           // false: it is not in
  std::optional<uint32_t> take_due(Instant now);

  std::optional<Instant> next() const;
  size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    Instant at;
    uint64_t order;
    uint32_t slot;
    bool before(const Entry& other) const { return at != other.at ? at < other.at : order < other.order; }
  };
  static constexpr uint32_t kAbsent = UINT32_MAX;
  void put(size_t at, const Entry& entry);
  void rise(size_t at, const Entry& entry);
  void sink(size_t at, const Entry& entry);
  void take_out(size_t at);

  std::vector<Entry> heap_;
  std::vector<uint32_t> places_;  // slot -> where it stands in heap_
  uint64_t next_order_ = 0;
};

}  // namespace ion::base
