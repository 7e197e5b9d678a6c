// Counts what must end before the instance may be destroyed: jobs on the blocking pool and leases that readers hold. Whoever
// counts keeps it alive by a shared_ptr, because the last lease may be given back while the instance is being torn down.
// Thread: any.
#pragma once
#include <ion/op.h>

#include <atomic>
#include <mutex>

namespace ion::storage_mmap {

class Outstanding {
 public:
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  // The caller touches nothing of the instance afterwards.
  void remove() noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) tell();
  }
  uint64_t count() const noexcept { return count_.load(std::memory_order_acquire); }

  // Answers when nothing is outstanding any more. Asked once, at drain, when nothing new begins.
  Answer when_none(Op& op) {
    {
      const std::lock_guard lock(mutex_);
      if (count() == 0) return op.ok();
      ION_ASSERT(!waiting_);
      waiting_ = op.later();
    }
    if (count() == 0) tell();  // the last one ended in between
    return op.pending();
  }

 private:
  void tell() noexcept {
    Later waiting;
    {
      const std::lock_guard lock(mutex_);
      if (count() == 0) waiting = std::move(waiting_);
    }
    if (waiting) waiting.ok();
  }
  std::atomic<uint64_t> count_{0};
  std::mutex mutex_;
  Later waiting_;
};

}  // namespace ion::storage_mmap
