// Puts one thread to sleep until it is called. A call is remembered, two calls are one, and a call costs a system call only
// when the thread sleeps. One thread waits; any thread calls.
#pragma once
#include <atomic>
#include <cstdint>

namespace ion::base {

// Inside a loop that looks again: leaves the core's resources to its sibling for a moment.
inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

class Waker {
 public:
  // Looks `spins` times before it sleeps: a spinning thread is woken in less than a microsecond, and takes a core from the others.
  explicit Waker(uint32_t spins) : spins_(spins) {}

  void call() noexcept {
    if (state_.exchange(kCalled, std::memory_order_acq_rel) == kAsleep) state_.notify_one();
  }

  void wait() noexcept {
    for (uint32_t i = 0; i < spins_ && state_.load(std::memory_order_relaxed) != kCalled; ++i) relax();
    for (;;) {
      int32_t seen = kCalled;
      if (state_.compare_exchange_strong(seen, kQuiet, std::memory_order_acq_rel)) return;
      if (seen == kQuiet && !state_.compare_exchange_strong(seen, kAsleep, std::memory_order_acq_rel)) continue;
      state_.wait(kAsleep, std::memory_order_acquire);  // a futex: int32_t is waited on directly
    }
  }

 private:
  static constexpr int32_t kQuiet = 0, kCalled = 1, kAsleep = 2;
  const uint32_t spins_;
  alignas(64) std::atomic<int32_t> state_{kQuiet};
};

}  // namespace ion::base
