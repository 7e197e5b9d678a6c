#include "base/task_gate.h"

#include <chrono>

namespace ion::base {

void TaskGate::close() noexcept {
  const uint32_t before = state_.fetch_or(kClosedBit, std::memory_order_acq_rel);
  if (before == 0) tell_idle();  // exactly one tells: this close, or the leave that brings a closed gate to zero
}

void TaskGate::tell_idle() noexcept {
  const std::lock_guard lock(mutex_);
  told_ = true;
  idle_.notify_all();
}

bool TaskGate::wait_idle(Nanos limit) {
  ION_ASSERT(closed());
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, std::chrono::nanoseconds(limit.n), [this] { return told_; });
}

void TaskGate::wait_idle() {
  ION_ASSERT(closed());
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return told_; });
}

}  // namespace ion::base
