// Passes an interceptor over for a while when too large a part of its calls fails. Off unless the operator gave a percentage.
// The window is counted in ten slices, so that old calls leave it little by little. Pure, not for several threads.
#pragma once
#include <ion/time.h>

#include <array>
#include <cstdint>

namespace ion::pipeline {

struct BreakerRule {
  uint32_t failure_percent = 0;  // 0: never passes over
  uint32_t calls_min = 20;       // fewer calls within the window prove nothing
  Nanos window = seconds(10), pause = seconds(30);
};

class Breaker {
 public:
  explicit Breaker(const BreakerRule& rule) : rule_(rule) {}

  bool enabled() const noexcept { return rule_.failure_percent != 0; }
  // True while the interceptor is passed over.
  bool open(Instant now) const noexcept { return now < open_until_; }
  Instant open_until() const noexcept { return open_until_; }  // when the last opening ends, or ended
  // One call and how it went. True: this call opened the breaker.
  bool count(bool failed, Instant now) noexcept {
    if (!enabled()) return false;
    const uint64_t slice = now.ns / (static_cast<uint64_t>(rule_.window.n) / slices_.size());
    Slice& to = slices_[slice % slices_.size()];
    if (to.number != slice) to = {slice, 0, 0};
    ++to.calls;
    if (failed) ++to.failures;
    uint64_t calls = 0, failures = 0;
    for (const Slice& s : slices_)
      if (s.number + slices_.size() > slice) calls += s.calls, failures += s.failures;
    if (!failed || calls < rule_.calls_min || failures * 100 < uint64_t{rule_.failure_percent} * calls) return false;
    open_until_ = now + rule_.pause;
    slices_ = {};
    return true;
  }

 private:
  struct Slice {
    uint64_t number = 0, calls = 0, failures = 0;
  };
  BreakerRule rule_;
  std::array<Slice, 10> slices_{};
  Instant open_until_;
};

}  // namespace ion::pipeline
