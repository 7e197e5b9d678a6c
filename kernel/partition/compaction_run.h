// One compaction of one log: takes the keys of [clean, upto), then goes over [first, upto) group by group of sealed pieces. A group that
// nothing leaves is only read; one that changes is written beside the log and takes its place at once.
//
//   collect: read -> keys -> ...   cover: producer state written down   each group: probe, then if it changes  begin -> write -> commit
//
// It reads a chunk at a time and does one thing at a time: what takes processor time runs on the jobs' thread, the rest on the shard. An end
// at any moment leaves a log that is right: groups are replaced in offset order, each whole, and whoever comes next begins anew.
// Thread: shard, but for the jobs. Shared by its own callbacks (each owns it), and by its Compactor.
#pragma once
#include "partition/compaction_services.h"
#include "partition/core/batch_cleaner.h"
#include "partition/core/compaction_plan.h"
#include "partition/partition_context.h"

#include <ion/contract/storage.h>
#include <ion/thread_role.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ion::partition {

class PartitionLog;

struct CompactionSpec {
  std::vector<ion_range> pieces;  // sealed, from the log's first on
  Offset clean, upto;
  NewestBatches producers;
  WallMs now;
  Nanos tombstone_age{};
  uint64_t group_bytes_max = 64u << 20;
};
struct CompactionReport {
  Status status;
  Offset clean;               // what is compacted now, if the status is OK
  WallMs tombstones_due{-1};  // of what is compacted
  CleanedCounts counts;       // of the groups that were replaced
  uint64_t bytes_read = 0;
};

class CompactionRun : public std::enable_shared_from_this<CompactionRun> {
 public:
  using Ended = std::function<void(const CompactionReport& report)>;
  CompactionRun(PartitionServices around, CompactionServices& shared, PartitionLog& log, PartitionContext& context, CompactionSpec spec);

  // `ended` once, on the shard.
  void start(Ended ended) ION_ON(shard_role);
  // It ends with CANCELLED before its next step.
  void cancel() ION_ON(shard_role) { cancelled_ = true; }

 private:
  enum class Stage { kCollect, kProbe, kWrite };
  void on_shard(std::function<void()> work);
  void step() ION_ON(shard_role);
  void read() ION_ON(shard_role);
  void got(Outcome outcome);
  void work_on(Outcome outcome);
  Status work_on_batches(std::span<const uint8_t> bytes);
  void worked() ION_ON(shard_role);
  bool pause(uint64_t bytes) ION_ON(shard_role);
  void stage_ended() ION_ON(shard_role);
  void begin_groups() ION_ON(shard_role);
  void begin_when_durable(Offset upto) ION_ON(shard_role);
  void begin_group() ION_ON(shard_role);
  void go_over(Stage stage) ION_ON(shard_role);
  void begin_replacement() ION_ON(shard_role);
  void append() ION_ON(shard_role);
  void commit() ION_ON(shard_role);
  void end(const Status& status) ION_ON(shard_role);
  void finish(const Status& status) ION_ON(shard_role);
  Offset piece_end(Offset at) const noexcept;

  const PartitionServices around_;
  CompactionServices& shared_;
  PartitionLog& log_;
  PartitionContext& context_;
  const std::shared_ptr<PartitionContext> alive_;
  CompactionSpec spec_;
  Ended ended_;
  CompactionReport report_;
  bool cancelled_ = false;

  Stage stage_ = Stage::kCollect;
  Offset at_, end_;  // of the stage
  Instant allowed_;  // when the next chunk may be read
  std::vector<PieceGroup> groups_;
  size_t group_ = 0;
  std::unique_ptr<Replacement> replacement_;

  // Of the thread that works, one at a time.
  CleaningRules rules_;
  CleaningTools tools_;
  KeyOffsets keys_;
  bool keys_full_ = false;
  std::optional<BatchCleaner> cleaner_;
  Bufs chunk_;                  // what `out_` has views of
  std::vector<uint8_t> joined_; // of a chunk that came in several parts
  std::vector<BatchCleaner::Out> out_;
  std::vector<ion_buf> parts_;      // borrowed by an append, as is the next
  std::vector<ion_batch> batches_;
};

}  // namespace ion::partition
