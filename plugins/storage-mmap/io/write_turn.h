// The right to change a log: one holder at a time, in the order in which it was asked for. Who gets it at once holds it and gives
// it up with release(). Who does not leaves a task; release() runs the tasks that wait, each as the holder, one after another. A
// task that goes on elsewhere (on the blocking pool) keeps the turn and calls release() when it is done.
// Bounded: a full line refuses. Thread: any.
#pragma once
#include "io/unique_function.h"

#include <ion/op.h>

#include <deque>
#include <mutex>
#include <string>

namespace ion::storage_mmap {

enum class Turn { kDone, kKept };

class WriteTurn {
 public:
  struct Task {
    Later later;  // may be empty: then the task is never refused
    UniqueFunction<Turn(Later)> work;
  };

  // True: the caller holds the turn. It is free only if nobody waits.
  bool try_claim() {
    const std::lock_guard lock(mutex_);
    if (held_) return false;
    return held_ = true;
  }
  // Runs `task` as the holder, now or later. OVERLOADED, told to the task's operation, when too many wait.
  void claim_or_wait(Task task) {
    bool full = false;
    {
      const std::lock_guard lock(mutex_);
      full = held_ && task.later && line_.size() >= kLineMax;
      if (held_ && !full) return line_.push_back(std::move(task));
      held_ = true;
    }
    if (full) return task.later.fail(Status(ION_E_OVERLOADED, std::to_string(kLineMax) + " operations wait for this log already"));
    if (task.work(std::move(task.later)) == Turn::kDone) release();
  }
  // The holder touches nothing of the log afterwards: a task in the line may have closed it.
  void release() {
    for (;;) {
      Task task;
      {
        const std::lock_guard lock(mutex_);
        ION_ASSERT(held_);
        if (line_.empty()) {
          held_ = false;
          return;
        }
        task = std::move(line_.front());
        line_.pop_front();
      }
      if (task.work(std::move(task.later)) == Turn::kKept) return;
    }
  }
  bool held() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }

 private:
  static constexpr size_t kLineMax = 4096;
  mutable std::mutex mutex_;
  bool held_ = false;
  std::deque<Task> line_;
};

}  // namespace ion::storage_mmap
