// What a partition does while this broker leads it: takes the batches of producers, refuses broken sequences, answers repeats, commits
// in groups (one sync outstanding, everything that waits rides on the next) and acknowledges what is durable and visible.
// With one replica the high watermark is the durable end (durability=os: the log end). Replication will move it instead.
// Thread: shard. A part of its partition, above its log.
#pragma once
#include "partition/append_queue.h"
#include "partition/partition_log.h"

#include <deque>
#include <map>

namespace ion::partition {

class LeaderRole {
 public:
  LeaderRole(PartitionServices around, PartitionLog& log, PartitionContext& context) : around_(around), log_(log), context_(context) {}

  void append(AppendJobPtr job) ION_ON(shard_role);
  bool resting() const noexcept { return !log_.appending() && !catching_up_ && !log_.syncing() && unsynced_.empty() && behind_.empty(); }
  static void refuse(AppendJobPtr job, const Status& why);

 private:
  bool answer_known(AppendJobPtr& job) ION_ON(shard_role);
  void append_to_log(AppendJobPtr job) ION_ON(shard_role);
  void appended(AppendJobPtr job, const Status& status) ION_ON(shard_role);
  void not_taken(AppendJobPtr job, const Status& why) ION_ON(shard_role);
  void start_sync() ION_ON(shard_role);
  void synced(const Status& status, Offset durable) ION_ON(shard_role);
  void complete(AppendJobPtr job) ION_ON(shard_role);
  void fail_all() ION_ON(shard_role);

  const PartitionServices around_;
  PartitionLog& log_;
  PartitionContext& context_;
  AppendQueue unsynced_;
  std::deque<AppendJobPtr> behind_;      // while an append waits for a segment, those after it wait here
  std::map<int64_t, Status> not_taken_;  // by producer: why its newest batch left nothing; at most kProducersNotTakenMax
  bool catching_up_ = false;
  Offset sync_upto_;
  uint64_t sync_bytes_ = 0;
};

}  // namespace ion::partition
