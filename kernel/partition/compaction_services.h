// What the partitions of one broker share when they compact: whose turn it is, the thread that does it, and their bounds.
#pragma once
#include "partition/core/key_offsets.h"

#include <ion/continuation.h>
#include <ion/limited_jobs.h>
#include <ion/thread_role.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

namespace ion::partition {

struct CompactionLimits {
  uint64_t bytes_per_second = 0;       // of logs read; 0: as fast as the machine
  uint64_t key_bytes_max = 64u << 20;  // of the keys of one run
};

// One partition compacts at a time, the others wait in the order in which they asked. Bounded by the partitions: each asks once.
// Thread: ANY; its state lives on one shard. Outlives the partitions and their work.
class CompactionTurns {
 public:
  CompactionTurns(ContinuationFixture world, ShardId home, Logger& logger) : world_(world), home_(home), logger_(logger) {}

  // `granted` once, on the home shard; then done() once.
  void ask(std::function<void()> granted) {
    on_home([this, granted = std::move(granted)] {
      waiting_.push_back(granted);
      grant();
    });
  }
  void done() {
    on_home([this] {
      taken_ = false;
      grant();
    });
  }

 private:
  void on_home(std::function<void()> work) {
    const Status given = go_on_at(world_, home_, Hop::kPost, std::move(work));
    if (!given.ok() && given.code() != ION_E_CLOSED) logger_.error("compaction stops until a restart", {{"why", given.text()}});
  }
  void grant() {
    if (taken_ || waiting_.empty()) return;
    taken_ = true;
    const std::function<void()> next = std::move(waiting_.front());
    waiting_.pop_front();
    next();
  }

  const ContinuationFixture world_;
  const ShardId home_;
  Logger& logger_;
  std::deque<std::function<void()>> waiting_;  // home shard
  bool taken_ = false;                         // home shard
};

struct CompactionServices {
  CompactionLimits limits;
  KeySecret secret;
  CompactionTurns& turns;
  LimitedJobs& jobs;  // where batches are opened and keys are compared
};

}  // namespace ion::partition
