// Work for the host's blocking pool, counted so that drain can wait for it. Thread: any.
#pragma once
#include "io/outstanding.h"

#include <ion/ports.h>

#include <memory>
#include <utility>

namespace ion::storage_mmap {

class BlockingJobs {
 public:
  BlockingJobs(Executor& executor, std::shared_ptr<Outstanding> outstanding)
      : executor_(executor), outstanding_(std::move(outstanding)) {}

  // Refused (the pool is full): `f` is destroyed without having run.
  template <class F>
  Status post(F f) {
    auto job = std::make_unique<Job<F>>(std::move(f), outstanding_);
    return give(job);
  }
  // `f(Later)` runs on the pool; if that is full, the operation answers so and the result is false.
  template <class F>
  bool answer(Later later, F f) {
    auto job = std::make_unique<Job<Answering<F>>>(Answering<F>{std::move(later), std::move(f)}, outstanding_);
    const Status given = give(job);
    if (!given.ok()) job->work.later.fail(given);
    return given.ok();
  }

 private:
  template <class F>
  struct Job {
    Job(F f, std::shared_ptr<Outstanding> o) : work(std::move(f)), outstanding(std::move(o)) { outstanding->add(); }
    ~Job() {
      if (outstanding) outstanding->remove();
    }
    F work;
    std::shared_ptr<Outstanding> outstanding;
    static void run(void* ctx) noexcept {
      std::shared_ptr<Outstanding> last;
      {
        const std::unique_ptr<Job> self(static_cast<Job*>(ctx));
        self->work();
        last = std::move(self->outstanding);
      }
      last->remove();  // after all that the work held is gone
    }
  };
  template <class F>
  struct Answering {
    Later later;
    F f;
    void operator()() { f(std::move(later)); }
  };
  template <class J>
  Status give(std::unique_ptr<J>& job) {
    Status given = executor_.post_blocking(&J::run, job.get());
    if (given.ok()) (void)job.release();
    return given;
  }
  Executor& executor_;
  const std::shared_ptr<Outstanding> outstanding_;
};

}  // namespace ion::storage_mmap
