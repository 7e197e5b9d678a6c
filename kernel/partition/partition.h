// One ordered log on one shard; knows no other broker. Appends get dense offsets, become durable by group commit (one sync
// outstanding, everything that waits rides on the next), and are visible to readers below the high watermark.
//
// With one replica the high watermark is the durable end (durability=os: the log end). Replication will move it instead.
// Thread: produce, fetch, view from ANY; the state marked "shard" only on `shard()`. Life: shared by the table and by operations
// in flight (shared_ptr: an operation may outlive the topic's deletion); close() must complete before the last one goes.
#pragma once
#include "observe/health.h"
#include "partition/append_queue.h"
#include "partition/core/producer_window.h"
#include "partition/fetch_waiters.h"
#include "partition/partition_config.h"
#include "partition/partition_metrics.h"
#include "partition/producer_snapshots.h"
#include "partition/window_loader.h"

#include <ion/contract/storage.h>
#include <ion/ports.h>
#include <ion/thread_role.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace ion::partition {

// What every partition of a broker shares; outlives them all.
struct PartitionServices {
  Executor& executor;
  Timers& timers;
  Clock& clock;
  Logger& logger;
  PartitionMetrics& metrics;
  observe::Health& health;  // a full disk is a reason there until it takes records again
};

struct PartitionOptions {
  std::string name;  // "orders/3", for words
  LogId log_id;
  Epoch epoch;
  ShardId shard;
  PartitionConfig config;
  std::unique_ptr<Log> log;
  std::unique_ptr<Log> state;  // null: there is none yet
  OpenStateLog open_state;     // for the first snapshot
};

struct FetchRequest {
  Offset offset;
  uint64_t bytes_min = 1, bytes_max = 1 << 20;
  Instant until;  // 0: do not wait
  const std::atomic<bool>* cancelled = nullptr;  // true: nobody waits for it any more. Lives until the answer
};

struct PartitionView {
  Offset log_start, high_watermark, log_end;
  uint64_t bytes = 0;
  Status health;
};

class Partition;
using PartitionPtr = std::shared_ptr<Partition>;
using PartitionOpened = std::function<void(Result<PartitionPtr>)>;

class Partition : public std::enable_shared_from_this<Partition> {
 public:
  // Rebuilds the producer state and what was durable. Any thread; one answer.
  static void open(PartitionServices around, PartitionOptions seed, PartitionOpened done);
  Partition(PartitionServices around, PartitionOptions seed, LoadedWindow loaded);

  // `header` and `parts` were checked (batch::check). Offsets are in `a`; `acks` below LEADER does not wait for durability.
  Answer produce(Op& op, const batch::Header& header, std::span<const ion_buf> parts, uint32_t acks, ion_produce_answer& a);
  // Answers OK, perhaps empty, when `until` has come. OUT_OF_RANGE outside [log start, log end]; what lies at or behind the high
  // watermark is waited for.
  Answer fetch(Op& op, const FetchRequest& ask, ion_fetch_answer& a);
  void cancel_fetch(uint64_t op_id);
  PartitionView view();

  const std::string& name() const noexcept { return seed_.name; }
  LogId log_id() const noexcept { return seed_.log_id; }
  ShardId shard() const noexcept { return seed_.shard; }

  // Refuses new work, finishes what is in flight, writes the producer state, closes the log. `done` on any thread.
  void close(std::function<void(Status)> done);

 private:
  static constexpr int64_t kLogsClosed = INT64_MIN;
  enum class Life { kServing, kClosing, kClosed };

  void on_shard(std::function<void()> work);  // never refused for our own continuations: retried until taken
  static void refuse(AppendJobPtr job, const Status& why);
  void append(AppendJobPtr job) ION_ON(shard_role);
  bool answer_known(AppendJobPtr& job) ION_ON(shard_role);
  void append_to_log(AppendJobPtr job) ION_ON(shard_role);
  void appended(AppendJobPtr job, const Status& status) ION_ON(shard_role);
  void not_taken(AppendJobPtr job, const Status& why) ION_ON(shard_role);
  void taken(const batch::Header& header) ION_ON(shard_role);
  void start_sync() ION_ON(shard_role);
  void synced(const Status& status, Offset durable) ION_ON(shard_role);
  void sync_later() ION_ON(shard_role);
  void advance(Offset high_watermark, uint64_t visible_bytes) ION_ON(shard_role);
  void complete(AppendJobPtr job) ION_ON(shard_role);
  void fail_all(const Status& status) ION_ON(shard_role);

  void read_now(const FetchRequest& ask, Later later, ion_fetch_answer* a);
  void fetched(const FetchRequest& ask, Offset upto, Later later, ion_fetch_answer* a, const ion_result& r);
  struct Had {
    uint64_t bytes = 0;  // that were visible and too few
    Offset upto;         // the watermark of that look
  };
  void park(const FetchRequest& ask, Later later, ion_fetch_answer* a, Had had) ION_ON(shard_role);
  void finish_fetches(std::vector<ParkedFetch> ripe);
  void arm_fetch_timer() ION_ON(shard_role);
  void describe(ion_fetch_answer& a) const;

  void maybe_snapshot() ION_ON(shard_role);
  void write_snapshot() ION_ON(shard_role);
  void snapshot_written(const Status& status) ION_ON(shard_role);
  void finish_close() ION_ON(shard_role);
  void close_logs() ION_ON(shard_role);
  // Whoever calls the log from outside the shard is counted, so that close() does not take it away under him.
  bool enter() noexcept;
  void leave();

  const PartitionServices around_;
  PartitionOptions seed_;
  Log& log_;

  // Read by anybody.
  std::atomic<int64_t> log_start_, high_watermark_, log_end_;
  std::atomic<uint64_t> visible_bytes_{0};  // appended since start and visible: what parked readers wait for
  std::atomic<int32_t> health_{ION_OK};
  mutable std::atomic<int64_t> users_{0};  // of the log off the shard; kLogsClosed is added when it goes away

  // Shard.
  ProducerWindow window_;
  AppendQueue unsynced_;
  std::deque<AppendJobPtr> behind_;  // while an append waits for a segment, those after it wait here
  FetchWaiters fetches_;
  Status failed_;                   // the log is dead for good
  std::map<int64_t, Status> not_taken_;  // by producer: why its newest batch left nothing; at most kProducersNotTakenMax
  ProducerSnapshots snapshots_;
  uint64_t scanned_bytes_ = 0;  // by the start, without a snapshot
  bool appending_ = false, syncing_ = false, snapshotting_ = false, catching_up_ = false, closing_logs_ = false;
  uint64_t appended_bytes_ = 0, snapshot_at_bytes_ = 0, sync_bytes_ = 0;
  Offset next_, sync_upto_;
  Life life_ = Life::kServing;
  std::function<void(Status)> closed_;
  TimerHandle timer_ = nullptr;
  void* timer_ctx_ = nullptr;
  Instant timer_at_;
};

}  // namespace ion::partition
