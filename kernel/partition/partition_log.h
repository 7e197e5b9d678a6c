// The log of one partition and what is derived from it: its ends, the producer window, the snapshots of the window. Knows no role: who
// decides what is appended, and what an append means to whom, is above it.
// Invariant: one append at a time, offsets dense. A log that failed takes nothing for good.
// Thread: shard, but for read, enter, leave, view. Life: a part of its partition (PartitionContext), closed before it goes.
#pragma once
#include "partition/append_queue.h"
#include "partition/core/producer_window.h"
#include "partition/log_users.h"
#include "partition/partition_config.h"
#include "partition/partition_context.h"
#include "partition/producer_snapshots.h"
#include "partition/window_loader.h"

#include <ion/contract/storage.h>
#include <ion/thread_role.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ion::partition {

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

class PartitionLog {
 public:
  // `job` comes back; its header has its offsets. OK: it is in the log. NO_SPACE, OVERLOADED: nothing of it is. FAILED, IO: failed()
  // says so from now on.
  using Appended = std::function<void(AppendJobPtr job, const Status& status)>;
  // OVERLOADED and NO_SPACE are not answered: nothing was lost, and it is asked again until the storage says something else, or for
  // NO_SPACE until the partition closes. On any error that is answered the log has failed.
  using Synced = std::function<void(const Status& status, Offset durable)>;

  PartitionLog(PartitionServices around, PartitionOptions options, LoadedWindow loaded, PartitionContext& context);

  // ---- shard
  void append(AppendJobPtr job, Appended done) ION_ON(shard_role);  // not while appending()
  void sync(Offset upto, Synced done) ION_ON(shard_role);           // not while syncing()
  bool appending() const noexcept { return appending_; }
  bool syncing() const noexcept { return syncing_; }
  // A sync found no space and is tried again; OK when none did. What would wait behind it is better refused.
  const Status& sync_waits() const noexcept { return sync_waits_; }
  const Status& failed() const noexcept { return failed_; }
  // failed() says that it was damaged when it was opened. Its beginning may go all the same, and the damage with it; and it can be repaired.
  bool damaged() const noexcept { return failed_.code() == ION_E_CORRUPT; }
  void fail(const Status& why) ION_ON(shard_role);
  // What was damaged may have gone: then records are taken again.
  void end_damage() ION_ON(shard_role);
  const ProducerWindow& window() const noexcept { return window_; }
  Offset next() const noexcept { return next_; }
  uint64_t appended_bytes() const noexcept { return appended_bytes_; }  // since the start

  // Writes the producer state down when enough was appended since the last time, all of it is visible and nothing is wrong.
  void maybe_snapshot(Offset high_watermark) ION_ON(shard_role);
  // The same at the end, if the next start would read long. True: one is on its way, and the partition is told when it ended.
  bool snapshot_for_close(Offset high_watermark) ION_ON(shard_role);
  bool snapshotting() const noexcept { return snapshotting_; }
  using Done = std::function<void(const Status& status)>;
  // `then` once. OK: the producer state is written down up to `before` at least, so that batches below may go; also when a full disk
  // keeps it from being written, since only their going makes space. Else why it could not be written, or that the partition closes.
  void cover(Offset before, Done then) ION_ON(shard_role);
  // It really is written down; a full disk keeps it from that.
  bool covered(Offset before) const noexcept { return window_.producers() == 0 || snapshot_upto_ >= before; }
  // Begins the log at `before`, which all may see already. OK: start() says so. On the shard.
  void cut_prefix(Offset before, Done done) ION_ON(shard_role);
  void seal(Done done) ION_ON(shard_role);
  Result<std::vector<ion_range>> ranges(Offset from, size_t cap) ION_ON(shard_role) { return log_.ranges(from, cap); }
  LogStat storage_stat() ION_ON(shard_role) { return log_.stat(); }
  Log& storage() ION_ON(shard_role) { return log_; }  // for replacements and meta; by who keeps the partition from closing meanwhile
  void configure(const PartitionConfig& config) ION_ON(shard_role);
  // The partition closes: who waits for a snapshot goes on without.
  void stop() ION_ON(shard_role) { end_covers(Status(ION_E_CLOSED, name() + " is closing", "DRAINING")); }
  // Nothing is on its way. Readers off the shard finish first. `done` on any thread.
  void close(std::function<void(Status)> done) ION_ON(shard_role);

  // ---- any thread
  const std::string& name() const noexcept { return options_.name; }
  const PartitionOptions& options() const noexcept { return options_; }
  // Of the topic, which may be altered meanwhile.
  bool fsync() const noexcept { return fsync_.load(std::memory_order_relaxed); }
  Offset start() const noexcept { return {start_.load(std::memory_order_relaxed)}; }
  Offset end() const noexcept { return {end_.load(std::memory_order_acquire)}; }
  // NO_SPACE only as long as nobody knows of space again.
  Code health() const noexcept {
    const auto code = static_cast<Code>(health_.load(std::memory_order_relaxed));
    return code == ION_E_NO_SPACE && !around_.space.full() ? ION_OK : code;
  }
  LogStat stat();  // of the storage; all zero once closed
  // Whoever reads is counted, so that close() does not take the log away under him. False: it is closed. After true: one read(), which
  // leaves by itself.
  bool enter();
  template <class Done>  // Done(const ion_result&), on any thread
  void read(Offset from, Offset upto, uint64_t bytes_max, Done done) {
    call([&](Op& op) { return log_.read(op, from, upto, bytes_max); },
         [this, alive = context_.alive(), done = std::move(done)](const ion_result& r) mutable {
           if (r.status == ION_E_CORRUPT) note_damage(log_.stat());
           leave();
           done(r);
         });
  }
  // Where a time begins, as ion_storage::offset_for_time. As read().
  template <class Done>
  void seek(Offset from, WallMs time, Done done) {
    call([&](Op& op) { return log_.offset_for_time(op, from, time); },
         [this, alive = context_.alive(), done = std::move(done)](const ion_result& r) mutable {
           leave();
           done(r);
         });
  }

 private:
  struct Appending;
  void appended(Appending& appending) ION_ON(shard_role);
  void took(const batch::Header& header) ION_ON(shard_role);
  void sync_refused(Offset upto, Synced done, const Status& why) ION_ON(shard_role);
  void sync_later(Offset upto, Synced done, Nanos after) ION_ON(shard_role);
  void synced(const Status& status, Offset durable, const Synced& done) ION_ON(shard_role);
  struct Snapshot {
    std::vector<uint8_t> bytes;
    Offset upto;                  // what of the log it covers
    uint64_t appended_bytes = 0;  // up to there, since the start
  };
  Snapshot snapshot_now() const { return {window_.snapshot(next_), next_, appended_bytes_}; }
  void write_snapshot(Snapshot snapshot) ION_ON(shard_role);
  void snapshot_ended(Offset upto, const Status& status) ION_ON(shard_role);
  void end_covers(const Status& status) ION_ON(shard_role);
  void close_logs() ION_ON(shard_role);
  void leave();
  // Damage is found when somebody reads it, which may be long after the start. From then on it is what health() and the problems of the
  // broker say. Any thread; as long as the log is open.
  void note_damage(const LogStat& stat);
  const PartitionServices around_;
  PartitionContext& context_;
  PartitionOptions options_;
  Log& log_;
  const std::string part_;  // of the health reasons

  // Read by anybody.
  std::atomic<int64_t> start_, end_;
  std::atomic<int32_t> health_{ION_OK};
  std::atomic<bool> fsync_;
  std::atomic<int64_t> damage_told_{-1};  // where the damage begins that was told last
  LogUsers users_;

  // Shard.
  ProducerWindow window_;
  ProducerSnapshots snapshots_;
  Status failed_;  // the log is dead for good
  Status sync_waits_;
  Nanos sync_retry_ = kSyncRetryFullFirst;
  Offset next_;
  WallMs stamped_;  // the greatest time that records got from the broker's clock
  uint64_t appended_bytes_ = 0, snapshot_at_bytes_ = 0;
  uint64_t scanned_bytes_ = 0;  // by the start, without a snapshot
  Offset snapshot_upto_;        // what the newest snapshot covers
  bool snapshot_wanted_ = false;                         // with the next sync: it covers what will be durable then
  std::optional<Snapshot> snapshot_of_sync_;             // of the window when the sync began, which is on its way
  struct Cover {
    Offset before;
    Done then;
  };
  std::vector<Cover> covers_;  // as many as retention and compaction ask for: two
  bool appending_ = false, syncing_ = false, snapshotting_ = false, closing_ = false;
  std::function<void(Status)> closed_;
};

}  // namespace ion::partition
