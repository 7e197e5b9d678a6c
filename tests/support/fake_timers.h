// Timers that fire when the test's clock has come to them, in the order of their times. Thread: the test's.
#pragma once
#include "support/fake_clock.h"

#include <map>
#include <optional>
#include <utility>

namespace ion::test {

class FakeTimers final : public Timers {
 public:
  explicit FakeTimers(FakeClock& clock) : clock_(clock) {}
  Result<TimerHandle> arm(ShardId, Instant at, ion_fn fn, void* ctx) override {
    armed_[{at.ns, ++last_}] = {fn, ctx};
    return reinterpret_cast<TimerHandle>(static_cast<uintptr_t>(last_));
  }
  bool disarm(TimerHandle timer) override {
    return std::erase_if(armed_, [&](const auto& one) { return one.first.second == reinterpret_cast<uintptr_t>(timer); }) != 0;
  }

  // ---- the test's hand
  size_t armed() const { return armed_.size(); }
  void forget_all() { armed_.clear(); }
  // Moves the clock to the next timer and fires it. False: there is none up to `upto`.
  bool fire_next(Instant upto) {
    if (armed_.empty() || armed_.begin()->first.first > upto.ns) return false;
    const auto [when, what] = *armed_.begin();
    armed_.erase(armed_.begin());
    if (when.first > clock_.now().ns) clock_.advance(Nanos{static_cast<int64_t>(when.first - clock_.now().ns)});
    what.first(what.second);
    return true;
  }

 private:
  FakeClock& clock_;
  std::map<std::pair<uint64_t, uint64_t>, std::pair<ion_fn, void*>> armed_;  // by time, then by order
  uint64_t last_ = 0;
};

}  // namespace ion::test
