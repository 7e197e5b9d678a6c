// An executor whose work waits until the test runs it: in the order of posting, or in an order drawn from a seed (order on one
// shard is kept; blocking jobs may overtake each other and the shards). One thread, nothing overlaps, everything can be repeated.
// The queue is bounded as the host's is: full is OVERLOADED.
#pragma once
#include "support/seeded_random.h"

#include <ion/ports.h>

#include <deque>
#include <optional>
#include <string>

namespace ion::test {

class FakeExecutor final : public Executor {
 public:
  explicit FakeExecutor(uint32_t shards = 1) : shards_(shards) {}
  ~FakeExecutor() override { ION_ASSERT(work_.empty()); }  // what was posted must be run: jobs own what they work on

  uint32_t shards() const override { return shards_; }
  Status post(ShardId shard, ion_fn fn, void* ctx) override {
    ION_ASSERT(shard.v < shards_);
    return put({shard.v, fn, ctx});
  }
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return post(shard, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override { return put({kBlocking, fn, ctx}); }

  // ---- the test's hand
  void draw_order_from(SeededRandom* random) { random_ = random; }
  void set_limit(size_t jobs) { limit_ = jobs; }
  size_t waiting() const { return work_.size(); }
  // False: there was nothing to do.
  bool run_one() {
    if (work_.empty()) return false;
    size_t at = random_ != nullptr ? random_->below(work_.size()) : 0;
    if (work_[at].where != kBlocking)  // the first of its shard
      for (size_t i = 0; i < at; ++i)
        if (work_[i].where == work_[at].where) at = i;
    const Job job = work_[at];
    work_.erase(work_.begin() + static_cast<std::ptrdiff_t>(at));
    job.fn(job.ctx);
    return true;
  }
  // A loop that never ends would be a bug of what is tested: bounded.
  void run_all() {
    for (size_t left = kStepsMax; run_one();) ION_ASSERT(--left > 0);
  }
  template <class Condition>
  bool run_until(Condition&& holds) {
    for (size_t left = kStepsMax; !holds();) {
      ION_ASSERT(--left > 0);
      if (!run_one()) return false;
    }
    return true;
  }

 private:
  static constexpr uint32_t kBlocking = UINT32_MAX;
  static constexpr size_t kStepsMax = 10'000'000;
  struct Job {
    uint32_t where;
    ion_fn fn;
    void* ctx;
  };
  Status put(const Job& job) {
    if (work_.size() >= limit_) return {ION_E_OVERLOADED, "the fake executor holds " + std::to_string(limit_) + " jobs"};
    work_.push_back(job);
    return {};
  }
  const uint32_t shards_;
  std::deque<Job> work_;
  SeededRandom* random_ = nullptr;
  size_t limit_ = SIZE_MAX;
};

}  // namespace ion::test
