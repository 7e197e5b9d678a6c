// Compacts one partition's log when it is worth it by its topic's settings, and keeps how far it got in the meta of the log, so that a
// restart goes on there. The run itself is a CompactionRun; this decides when there is one, and whose turn it is.
// Invariant: one run at a time. Thread: the shard, but for wanted() and due() from ANY. A part of its partition.
#pragma once
#include "partition/core/compaction_plan.h"
#include "partition/partition_config.h"
#include "partition/partition_context.h"

#include <ion/result.h>
#include <ion/thread_role.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ion::partition {

class PartitionLog;
class CompactionRun;
struct CompactionReport;

class Compactor {
 public:
  Compactor(PartitionServices around, const PartitionConfig& config, PartitionLog& log, PartitionContext& context);

  // Also ends a run when the topic is compacted no more.
  void configure(const PartitionConfig& config) ION_ON(shard_role);
  // The topic is compacted: every record has a key. ANY
  bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }
  // Whether a look could find something by now; `sealed`: of the log. Cheap: asked of every partition every few seconds. ANY
  bool due(WallMs now, Offset sealed) const noexcept {
    return wanted() && (now.ms >= next_look_ms_.load(std::memory_order_relaxed) || sealed.v != looked_at_sealed_.load(std::memory_order_relaxed));
  }
  void look() ION_ON(shard_role);
  // Held: the run that there is ends before its next step, and none begins.
  void hold(bool held) ION_ON(shard_role);
  // The partition closes: the run ends before its next step.
  void stop() ION_ON(shard_role);
  bool resting() const noexcept { return !busy_; }

 private:
  struct Planned {
    CompactionPlan plan;
    std::vector<ion_range> pieces;
  };
  void load() ION_ON(shard_role);
  bool may_run() const ION_ON(shard_role);
  Result<Planned> plan() ION_ON(shard_role);
  void granted() ION_ON(shard_role);
  void ended(const CompactionReport& report) ION_ON(shard_role);
  void keep(std::function<void(const Status&)> then) ION_ON(shard_role);
  void rest() ION_ON(shard_role);
  void tell(const CompactionReport& report) ION_ON(shard_role);
  void look_again_after(Nanos pause) ION_ON(shard_role);

  const PartitionServices around_;
  PartitionLog& log_;
  PartitionContext& context_;
  CompactionRules rules_;
  uint64_t segment_bytes_;

  // Read by anybody.
  std::atomic<bool> wanted_;
  std::atomic<int64_t> next_look_ms_{INT64_MIN}, looked_at_sealed_{-1};

  // Shard.
  Offset clean_;
  WallMs tombstones_due_{-1};
  Instant began_;
  bool loaded_ = false, asked_ = false, busy_ = false, held_ = false;
  std::shared_ptr<CompactionRun> run_;  // shared with its callbacks
  std::string state_;                   // borrowed by the write of it
};

}  // namespace ion::partition
