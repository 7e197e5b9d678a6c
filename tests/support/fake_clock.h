// A clock that stands still until the test moves it; the wall clock moves along and may be set beside it. Any thread.
#pragma once
#include <ion/ports.h>

#include <atomic>

namespace ion::test {

class FakeClock final : public Clock {
 public:
  Instant now() override { return {now_.load(std::memory_order_relaxed)}; }
  WallMs wall() override { return {set_ms_.load(std::memory_order_relaxed) + static_cast<int64_t>(now().ns / 1'000'000)}; }
  void advance(Nanos by) { now_.fetch_add(static_cast<uint64_t>(by.n), std::memory_order_relaxed); }
  void set_wall_by(Nanos by) { set_ms_.fetch_add(by.n / 1'000'000, std::memory_order_relaxed); }  // also back

 private:
  std::atomic<int64_t> set_ms_{1'700'000'000'000};
  std::atomic<uint64_t> now_{1'000'000'000};
};

}  // namespace ion::test
