// Admission to a task queue: how many tasks are inside (waiting or running), at most `bound`, and whether it is closed.
// One word decides all three, so "idle", "full" and "closed" are never looked at separately and never contradict each other.
//
//     0 --enter--> 1 --enter--> 2 ... bound      who takes 0 to 1 owns the work until leave() answers false
//     close: no enter any more; at 0 the gate tells whoever waits in wait_idle
//
// Any thread. Outlives every thread that may call it.
#pragma once
#include <ion/assert.h>
#include <ion/time.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace ion::base {

class TaskGate {
 public:
  enum class Entry : uint8_t { kOwner, kBehindOthers, kFull, kClosed };

  explicit TaskGate(uint32_t bound) : bound_(bound) { ION_ASSERT(bound > 0 && bound < kClosedBit); }

  // Counts a task in. A compare-and-swap, not an add that is taken back: a count that is only passing through would look like work.
  Entry enter() noexcept {
    uint32_t seen = state_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen & kClosedBit) != 0) return Entry::kClosed;
      if (seen >= bound_) return Entry::kFull;
      if (state_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_relaxed))
        return seen == 0 ? Entry::kOwner : Entry::kBehindOthers;
    }
  }
  // Counts a task in only if nothing is inside; true: the caller is the owner.
  bool enter_idle() noexcept {
    uint32_t idle = 0;
    return state_.compare_exchange_strong(idle, 1, std::memory_order_acq_rel, std::memory_order_relaxed);
  }
  // A task has ended. False: nothing is left, the ownership is gone, and the caller touches nothing that it guarded.
  bool leave() noexcept {
    const uint32_t before = state_.fetch_sub(1, std::memory_order_acq_rel);
    ION_ASSERT((before & ~kClosedBit) > 0);
    if ((before & ~kClosedBit) > 1) return true;
    if ((before & kClosedBit) != 0) tell_idle();
    return false;
  }

  void close() noexcept;  // again is nothing new
  bool closed() const noexcept { return (state_.load(std::memory_order_acquire) & kClosedBit) != 0; }
  uint32_t inside() const noexcept { return state_.load(std::memory_order_relaxed) & ~kClosedBit; }  // a moment's view
  uint32_t bound() const noexcept { return bound_; }

  // After close(): waits until nothing is inside. False: the limit passed first.
  bool wait_idle(Nanos limit);
  void wait_idle();  // for destructors only: a task that never ends is waited for for ever

 private:
  static constexpr uint32_t kClosedBit = 1U << 31;
  void tell_idle() noexcept;

  const uint32_t bound_;
  alignas(64) std::atomic<uint32_t> state_{0};

  // Whoever waits believes told_ and not state_: the last leaver is then done with this object before it may be destroyed.
  alignas(64) std::mutex mutex_;
  std::condition_variable idle_;
  bool told_ = false;
};

}  // namespace ion::base
