// Work that comes many at once, as when ten thousand logs are closed: it waits in a line of its own and takes a few jobs of the
// blocking pool, so that the pool is never full of it. Bounded by who asks: a log is closed once.
// Thread: any.
#pragma once
#include "io/blocking_jobs.h"
#include "io/unique_function.h"

#include <ion/op.h>

#include <deque>
#include <mutex>
#include <utility>

namespace ion::storage_mmap {

class JobLine {
 public:
  JobLine(BlockingJobs& jobs, size_t runners_max) : jobs_(jobs), runners_max_(runners_max) {}

  // `work(Later)` runs on the pool, in its turn. False: the pool is full and none of the line runs; the operation was told.
  bool answer(Later later, UniqueFunction<void(Later)> work) {
    Task refused;
    Status posted;
    {
      const std::lock_guard lock(mutex_);  // posting runs nothing here
      line_.push_back({std::move(later), std::move(work)});
      if (runners_ == runners_max_) return true;
      posted = jobs_.post([this] { run(); });
      if (posted.ok()) ++runners_;
      if (runners_ > 0) return true;  // one that runs comes to it
      refused = std::move(line_.back());
      line_.pop_back();
    }
    refused.later.fail(posted);
    return false;
  }

 private:
  struct Task {
    Later later;
    UniqueFunction<void(Later)> work;
  };
  void run() {
    for (;;) {
      Task task;
      {
        const std::lock_guard lock(mutex_);
        if (line_.empty()) {
          --runners_;
          return;
        }
        task = std::move(line_.front());
        line_.pop_front();
      }
      task.work(std::move(task.later));
    }
  }
  BlockingJobs& jobs_;
  const size_t runners_max_;
  std::mutex mutex_;
  std::deque<Task> line_;
  size_t runners_ = 0;
};

}  // namespace ion::storage_mmap
