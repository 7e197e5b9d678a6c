// One ordered log on one shard; knows no other broker. It joins three parts: its log (PartitionLog), what this broker does for it
// (LeaderRole), and here its readers, who see what lies below the high watermark.
//
// Thread: produce, fetch, view from ANY; the state marked "shard" only on `shard()`. Life: shared by the table and by operations
// in flight (shared_ptr: an operation may outlive the topic's deletion); close() must complete before the last one goes.
#pragma once
#include "partition/compactor.h"
#include "partition/core/repair_plan.h"
#include "partition/fetch_waiters.h"
#include "partition/leader_role.h"
#include "partition/partition_log.h"
#include "partition/retention.h"

#include <ion/contract/storage.h>
#include <ion/ports.h>
#include <ion/thread_role.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace ion::partition {

struct FetchRequest {
  Offset offset;
  uint64_t bytes_min = 1, bytes_max = 1 << 20;
  Instant until;  // 0: do not wait
  const std::atomic<bool>* cancelled = nullptr;  // true: nobody waits for it any more. Lives until the answer
};

struct PartitionView {
  Offset log_start, high_watermark, log_end;
  uint64_t bytes = 0;
  Offset bad_from, bad_upto;  // what is damaged of it, as far as anybody has met it; equal: nothing
  Status health;
};

class Repair;
using RepairEnded = std::function<void(const Result<RepairReport>& report)>;
class Partition;
using PartitionPtr = std::shared_ptr<Partition>;
using PartitionOpened = std::function<void(Result<PartitionPtr>)>;

class Partition final : public std::enable_shared_from_this<Partition>, private PartitionContext {
 public:
  // Rebuilds the producer state and what was durable. Any thread; one answer.
  static void open(PartitionServices around, PartitionOptions options, PartitionOpened done);
  Partition(PartitionServices around, PartitionOptions options, LoadedWindow loaded);

  // `header` and `parts` were checked (batch::check). Offsets are in `a`; `acks` below LEADER does not wait for durability.
  Answer produce(Op& op, const batch::Header& header, std::span<const ion_buf> parts, uint32_t acks, ion_produce_answer& a);
  // Answers OK, perhaps empty, when `until` has come. OUT_OF_RANGE outside [log start, log end]; what lies at or behind the high
  // watermark is waited for.
  Answer fetch(Op& op, const FetchRequest& ask, ion_fetch_answer& a);
  void cancel_fetch(uint64_t op_id);
  // The first batch at or above `from` that may have a record of this time or a later one: u0 its base, u1 its greatest time; NOT_FOUND.
  void seek(Offset from, WallMs time, std::function<void(const ion_result&)> done);
  PartitionView view();

  const std::string& name() const noexcept { return log_.name(); }
  LogId log_id() const noexcept { return log_.options().log_id; }
  ShardId shard() const noexcept { return log_.options().shard; }

  // Settings of the topic were altered. ANY
  void configure(const PartitionConfig& config);
  // Deletes what its topic's settings let go, if there is anything. Cheap when there is not. ANY
  void look_at_retention(WallMs now);
  // Compacts its log if that is worth it by its topic's settings. Cheap when it is not. ANY
  void look_at_compaction(WallMs now);
  // Every record must have a key. ANY
  bool keys_wanted() const noexcept { return compactor_.wanted(); }
  // Deletes the records before `before`, which is not above the high watermark; `done` on the shard, when that is durable.
  void trim(Offset before, std::function<void(const Status&)> done);
  // Says what of its log was lost, and with kAcceptLoss makes the log whole without it. `done` once, on the shard. `until`: when it gives
  // up, 0: never. CLOSED, BUSY, UNSUPPORTED, DEADLINE; CONFLICT when records were deleted meanwhile.
  void repair(RepairMode mode, Instant until, RepairEnded done);

  // Refuses new work, finishes what is in flight, writes the producer state, closes the log. `done` on any thread.
  void close(std::function<void(Status)> done);

 private:
  enum class Life { kServing, kClosing, kClosed };

  // PartitionContext
  void on_shard(std::function<void()> work) override;
  std::shared_ptr<PartitionContext> alive() override { return {shared_from_this(), this}; }
  bool serving() const override { return life_ == Life::kServing; }
  Offset high_watermark() const override { return {high_watermark_.load(std::memory_order_acquire)}; }
  void advance(Offset high_watermark, uint64_t bytes) override ION_ON(shard_role);
  void operation_ended() override ION_ON(shard_role);

  void read_now(const FetchRequest& ask, Later later, ion_fetch_answer* a);
  void fetched(const FetchRequest& ask, Offset upto, Later later, ion_fetch_answer* a, const ion_result& r);
  struct Answering {
    Offset upto;  // nothing above was visible
    Later later;
    ion_fetch_answer* to;
    Offset base, next;
    Bufs bufs;
    int reads = 0;
  };
  void answer(Answering answering, Outcome more);
  struct Had {
    uint64_t bytes = 0;  // that were visible and too few
    Offset upto;         // the watermark of that look
  };
  void park(const FetchRequest& ask, Later later, ion_fetch_answer* a, Had had) ION_ON(shard_role);
  void finish_fetches(std::vector<ParkedFetch> ripe);
  void arm_fetch_timer() ION_ON(shard_role);
  void describe(ion_fetch_answer& a) const;
  void begin_repair(RepairMode mode, Instant until, RepairEnded done) ION_ON(shard_role);

  const PartitionServices around_;
  PartitionLog log_;
  LeaderRole role_;  // of the one broker that there is
  Retention retention_;
  Compactor compactor_;

  // Read by anybody.
  std::atomic<int64_t> high_watermark_;
  std::atomic<uint64_t> visible_bytes_{0};  // appended since start and visible: what parked readers wait for

  // Shard.
  FetchWaiters fetches_;
  std::shared_ptr<Repair> repair_;  // shared with its callbacks; null: none is in progress
  Life life_ = Life::kServing;
  std::function<void(Status)> closed_;
  TimerHandle timer_ = nullptr;
  void* timer_ctx_ = nullptr;
  Instant timer_at_;
};

}  // namespace ion::partition
