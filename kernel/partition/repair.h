// Finds what of a partition's log cannot be read, and takes it out of the log when its loss is accepted: the batches of each damaged piece
// that can be read take the piece's place, with batches without records where others were. Offsets stay, and the partition takes
// records again.
//
//   survey: read all of the log -> report   seal: nothing damaged is in the active segment   then, until the storage says that the log is
//   whole: replace a damaged piece, or begin the log behind what no piece holds
//
// It does one thing at a time, and an end at any moment leaves a log that is as damaged as before or less; whoever comes next goes on.
// What a compaction has written down stays true: a part of a compacted log is compacted.
// Thread: shard. Shared by its own callbacks (each owns it), and by its partition while it runs.
#pragma once
#include "partition/core/batch_cleaner.h"
#include "partition/core/repair_plan.h"
#include "partition/partition_context.h"

#include <ion/contract/storage.h>
#include <ion/result.h>
#include <ion/thread_role.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ion::partition {

class Compactor;
class PartitionLog;

class Repair : public std::enable_shared_from_this<Repair> {
 public:
  using Done = std::function<void(const Result<RepairReport>& report)>;
  // `until`: it ends with DEADLINE before the first step behind that; 0: never. A compaction is held up from the first change on, until
  // whoever made this lets it go on.
  Repair(PartitionServices around, PartitionLog& log, PartitionContext& context, Compactor& compactor, RepairMode mode, Instant until);

  // `done` once, on the shard. CLOSED, DEADLINE; CONFLICT when records were deleted meanwhile.
  void start(Done done) ION_ON(shard_role);
  // The partition closes: it ends before its next step.
  void stop() ION_ON(shard_role) { stopped_ = true; }
  // An operation of another part of the partition has ended, which may be what it waits for.
  void others_ended() ION_ON(shard_role);

 private:
  // Why there is no next step; OK when there is.
  Status may_go_on() const ION_ON(shard_role);
  Result<std::vector<ion_range>> pieces() ION_ON(shard_role);
  using Got = void (Repair::*)(Outcome& outcome);
  void read(Got got) ION_ON(shard_role);  // at_ to end_
  void survey() ION_ON(shard_role);
  void surveyed(Outcome& outcome) ION_ON(shard_role);
  void survey_ended() ION_ON(shard_role);
  void seal() ION_ON(shard_role);
  void next_step() ION_ON(shard_role);
  void cut_prefix(Offset before) ION_ON(shard_role);
  void replace() ION_ON(shard_role);
  void write() ION_ON(shard_role);
  void got_batches(Outcome& outcome) ION_ON(shard_role);
  void append() ION_ON(shard_role);
  void commit() ION_ON(shard_role);
  // Where to go on behind an answer that holds nothing.
  Result<Offset> behind(const Outcome& outcome) ION_ON(shard_role);
  void end(const Status& status) ION_ON(shard_role);
  void finish(const Status& status) ION_ON(shard_role);
  // What follows a call of the log, on the shard.
  template <class Next>
  auto then(Next next);

  const PartitionServices around_;
  PartitionLog& log_;
  PartitionContext& context_;
  Compactor& compactor_;
  const std::shared_ptr<PartitionContext> alive_;
  const RepairMode mode_;
  const Instant until_;

  Done done_;
  bool stopped_ = false, waits_ = false;
  std::optional<LogSurvey> survey_;
  RepairReport report_;
  Offset at_, end_;           // of the survey, or of the pieces that are replaced
  size_t empty_reads_ = 0;
  RepairStep step_;
  uint64_t steps_ = 0;
  std::unique_ptr<Replacement> replacement_;
  const KeyOffsets no_keys_{0};
  const NewestBatches no_producers_{};
  const CleaningRules keep_all_{};  // keys up to offset 0: every batch stays as it is
  CleaningTools tools_;
  std::optional<BatchCleaner> cleaner_;
  Bufs chunk_;  // what out_ has views of
  std::vector<BatchCleaner::Out> out_;
  std::vector<ion_buf> parts_;  // borrowed by an append, as is the next
  std::vector<ion_batch> batches_;
};

}  // namespace ion::partition
