#include "partition/partition_log.h"

#include "partition/partition_limits.h"

#include <fmt/format.h>
#include <ion/simulated_bug.h>

#include <algorithm>
#include <utility>

namespace ion::partition {

namespace {
// Decides who goes on after an op that may answer inside the call or later from any thread: exactly one of the two sides.
struct Rendezvous {
  std::atomic<bool> first{true};
  bool second_to_come() { return !first.exchange(false, std::memory_order_acq_rel); }
};

// "orders/3", as a command of `ion` takes it.
std::string as_arguments(const std::string& partition) {
  const size_t slash = partition.rfind('/');
  return partition.substr(0, slash) + " -p " + partition.substr(slash + 1);
}

Status damage_in(const std::string& partition, const LogStat& stat) {
  return {ION_E_CORRUPT,
          fmt::format("{}: offsets {} to {} are damaged and this is the only replica: the rest can be read (`ion consume`), and no more records are taken. `ion topic repair {}` says "
                      "what is lost, and with --accept-loss it goes on without",
                      partition, stat.bad_from.v, stat.bad_upto.v, as_arguments(partition)),
          "DATA_LOSS"};
}
}  // namespace

PartitionLog::PartitionLog(PartitionServices around, PartitionOptions options, LoadedWindow loaded, PartitionContext& context)
    : around_(around), context_(context), options_(std::move(options)), log_(*options_.log), part_("partition " + options_.name), fsync_(options_.config.durability == Durability::kFsync),
      window_(std::move(loaded.window)), snapshots_(std::move(options_.state), std::move(options_.open_state), loaded.state_next),
      scanned_bytes_(loaded.scanned_bytes), snapshot_upto_(loaded.snapshot_upto) {
  const LogStat stat = log_.stat();
  next_ = stat.next;
  start_ = stat.first.v;
  end_ = stat.next.v;
  if (!stat.damaged) return;
  failed_ = damage_in(options_.name, stat);
  note_damage(stat);
}

void PartitionLog::note_damage(const LogStat& stat) {
  if (!stat.damaged || damage_told_.exchange(stat.bad_from.v, std::memory_order_relaxed) == stat.bad_from.v) return;
  for (int32_t before = health_.load(std::memory_order_relaxed); before != ION_E_CORRUPT;) {
    if (before != ION_OK && before != ION_E_NO_SPACE) return;  // it failed, which is told
    if (health_.compare_exchange_weak(before, ION_E_CORRUPT, std::memory_order_relaxed)) break;
  }
  around_.health.raise(part_, damage_in(options_.name, stat).message());
}

void PartitionLog::end_damage() {
  const LogStat stat = log_.stat();
  if (stat.damaged || stat.failed) return;
  if (damaged()) failed_ = {};
  int32_t before = ION_E_CORRUPT;
  if (!health_.compare_exchange_strong(before, ION_OK, std::memory_order_relaxed)) return;
  damage_told_.store(-1, std::memory_order_relaxed);
  around_.health.clear(part_);
  around_.logger.info("nothing of a partition is damaged any more, records are taken again", {{"partition", options_.name}, {"first", std::to_string(stat.first.v)}});
}

// ---- append and sync

struct PartitionLog::Appending {
  AppendJobPtr job;
  ion_batch batch{};  // borrowed by the op until its completion, like everything in the job
  Status status;
  Appended done;
  Rendezvous meet;
};

void PartitionLog::append(AppendJobPtr job, Appended done) {
  ION_ASSERT(!appending_);
  if (options_.config.append_time) {
    stamped_ = std::max(stamped_, around_.clock.wall());
    job->stamp(stamped_);
  }
  job->patch(next_, options_.epoch);
  appending_ = true;
  auto a = std::make_shared<Appending>();  // shared by the two sides of the rendezvous
  a->batch = {job->header.base_offset.v, job->header.next_offset().v, job->header.max_time.ms, options_.epoch.v,
              static_cast<uint32_t>(job->patched.size()), job->patched.data()};
  a->job = std::move(job), a->done = std::move(done);
  call([&](Op& op) { return log_.append(op, std::span<const ion_batch>(&a->batch, 1)); },
       [this, alive = context_.alive(), a](const ion_result& r) {
         a->status = Status::from(r.status, r.err);
         if (!a->meet.second_to_come()) return;  // still inside append, which goes on below
         alive->on_shard([this, a] { appended(*a); });
       });
  if (a->meet.second_to_come()) appended(*a);
}

void PartitionLog::appended(Appending& a) {
  appending_ = false;
  if (a.status.ok()) {
    took(a.job->header);
  } else if (a.status.code() == ION_E_FAILED || a.status.code() == ION_E_IO) {
    fail(a.status);
  } else if (a.status.code() == ION_E_NO_SPACE) {
    int32_t well = ION_OK;
    (void)health_.compare_exchange_strong(well, ION_E_NO_SPACE, std::memory_order_relaxed);
    around_.space.refused(part_, a.status);
  } else if (a.status.code() == ION_E_CORRUPT) {
    const LogStat stat = log_.stat();
    note_damage(stat);
    if (stat.damaged) a.status = damage_in(options_.name, stat);  // a writer is not told how to read on
  }
  a.done(std::move(a.job), a.status);
}

void PartitionLog::took(const batch::Header& header) {
  next_ = header.next_offset();
  window_.record(header, around_.clock.wall());
  appended_bytes_ += header.total_bytes();
  end_.store(next_.v, std::memory_order_release);
  around_.metrics.appended(static_cast<int64_t>(header.total_bytes()), header.count);
  int32_t full = ION_E_NO_SPACE;
  if (health_.compare_exchange_strong(full, ION_OK, std::memory_order_relaxed)) around_.space.taken();
}

void PartitionLog::sync(Offset upto, Synced done) {
  ION_ASSERT(!syncing_);
  syncing_ = true;
  around_.metrics.synced();
  // The window covers what the log has now, and all of that is durable when this sync is answered.
  if (snapshot_wanted_ && !snapshotting_ && upto == next_) snapshot_of_sync_ = snapshot_now();
  call([&](Op& op) { return log_.sync(op, upto); },
       [this, alive = context_.alive(), upto, done = std::move(done)](const ion_result& r) {
         alive->on_shard([this, upto, done, status = Status::from(r.status, r.err), durable = Offset{static_cast<int64_t>(r.u0)}] {
           if (status.code() == ION_E_OVERLOADED || status.code() == ION_E_NO_SPACE) sync_refused(upto, done, status);
           else synced(status, durable, done);
         });
       });
}

// The storage promises that nothing is lost by such an answer (ion/abi/contract/storage.h): a failed flush is never one.
void PartitionLog::sync_refused(Offset upto, Synced done, const Status& why) {
  if (why.code() == ION_E_OVERLOADED) return sync_later(upto, std::move(done), kSyncRetryBusy);
  const bool first = sync_waits_.ok();
  sync_waits_ = Status(ION_E_NO_SPACE, fmt::format("{}: what was appended before could not be made durable yet: {}", options_.name, why.message()));
  if (first) around_.space.sync_wait_began(part_, why);
  end_covers({});  // what retention takes away is what makes space
  if (!context_.serving()) return synced(why, {}, done);  // it closes: the end may not depend on the disk
  sync_later(upto, std::move(done), std::exchange(sync_retry_, std::min(kSyncRetryFullLast, Nanos{2 * sync_retry_.n})));
}

// syncing_ stays set: nobody asks in between.
void PartitionLog::sync_later(Offset upto, Synced done, Nanos after) {
  struct Retry {
    std::shared_ptr<PartitionContext> alive;
    PartitionLog& log;
    Offset upto;
    Synced done;
  };
  auto retry = std::make_unique<Retry>(Retry{context_.alive(), *this, upto, std::move(done)});
  const auto armed = around_.timers.arm(
      options_.shard, around_.clock.now() + after,
      [](void* ctx) noexcept {
        const std::unique_ptr<Retry> mine(static_cast<Retry*>(ctx));
        RoleScope scope(shard_role);
        mine->log.syncing_ = false;
        mine->log.sync(mine->upto, std::move(mine->done));
      },
      retry.get());
  if (armed) (void)retry.release();
  else synced(Status(ION_E_FAILED, "no timer is left to try again"), {}, retry->done);
}

void PartitionLog::synced(const Status& status, Offset durable, const Synced& done) {
  syncing_ = false;
  if (!std::exchange(sync_waits_, {}).ok()) around_.space.sync_wait_ended();
  sync_retry_ = kSyncRetryFullFirst;
  if (auto snapshot = std::exchange(snapshot_of_sync_, std::nullopt); snapshot && status.ok() && !snapshotting_) write_snapshot(*std::move(snapshot));
  if (status.ok()) return done(status, durable);
  fail(Status(ION_E_FAILED, fmt::format("{}: not known to be durable, and this log takes no more: {}", options_.name, status.message())));
  done(failed_, durable);
}

void PartitionLog::fail(const Status& why) {
  failed_ = why;
  health_.store(why.code(), std::memory_order_relaxed);
  around_.logger.error("partition refuses appends from now on", {{"partition", options_.name}, {"why", why.message()}});
  around_.health.raise(part_, "refuses appends: " + why.message());
  end_covers(failed_);
}

// ---- snapshots of the producer window

// Only state that is durable in the log may be written down: a snapshot ahead of its log would be thrown away.
void PartitionLog::maybe_snapshot(Offset high_watermark) {
  const bool due = appended_bytes_ - snapshot_at_bytes_ >= kSnapshotEveryBytes;
  if (snapshotting_ || !context_.serving() || window_.producers() == 0 || !(due || snapshot_wanted_)) return;
  if (high_watermark == next_) write_snapshot(snapshot_now());
  else snapshot_wanted_ = true;
}

bool PartitionLog::snapshot_for_close(Offset high_watermark) {
  const uint64_t next_start_reads = appended_bytes_ - snapshot_at_bytes_ + scanned_bytes_;
  if (!failed_.ok() || window_.producers() == 0 || next_start_reads < kSnapshotAtCloseBytes || high_watermark != next_) return false;
  write_snapshot(snapshot_now());
  return true;
}

void PartitionLog::write_snapshot(Snapshot snapshot) {
  ION_ASSERT(!snapshotting_);
  snapshotting_ = true, snapshot_wanted_ = false;
  snapshot_at_bytes_ = snapshot.appended_bytes, scanned_bytes_ = 0;
  snapshots_.write(
      std::move(snapshot.bytes), [alive = context_.alive()](std::function<void()> work) { alive->on_shard(std::move(work)); },
      [this, upto = snapshot.upto, alive = context_.alive()](const Status& status) {
        snapshot_ended(upto, status);
        alive->operation_ended();
      });
}

void PartitionLog::snapshot_ended(Offset upto, const Status& status) {
  snapshotting_ = false;
  if (!status.ok()) {
    around_.logger.warn("producer state not written down; the next start reads more", {{"partition", options_.name}, {"why", status.message()}});
    return end_covers(status.code() == ION_E_NO_SPACE ? Status() : status);
  }
  snapshot_upto_ = std::max(snapshot_upto_, upto);
  for (Cover& c : std::exchange(covers_, {})) cover(c.before, std::move(c.then));
}

void PartitionLog::end_covers(const Status& status) {
  for (Cover& c : std::exchange(covers_, {})) c.then(status);
}

void PartitionLog::cover(Offset before, Done then) {
  if (!context_.serving()) return then(Status(ION_E_CLOSED, name() + " is closing", "DRAINING"));
  if (!failed_.ok() && !damaged()) return then(failed_);
  if (window_.producers() == 0 || snapshot_upto_ >= before || !sync_waits_.ok()) return then({});
  covers_.push_back({before, std::move(then)});
  snapshot_wanted_ = true;  // now, with the next sync, or when what is on its way has become visible
  maybe_snapshot(context_.high_watermark());
}

// ---- the beginning of the log

// Made durable beside the appends first, so that the truncation, which holds them up, finds nothing left to flush.
void PartitionLog::cut_prefix(Offset before, Done done) {
  const auto cut = [this, alive = context_.alive(), before, done = std::move(done)] {
    call([&](Op& op) { return log_.truncate_prefix(op, before); }, [this, alive, before, done](const ion_result& r) {
      alive->on_shard([this, before, done, status = Status::from(r.status, r.err)] {
        if (status.ok()) {
          around_.metrics.deleted(before.v - start().v);
          start_.store(std::max(start(), before).v, std::memory_order_relaxed);
          end_damage();
        } else if (status.code() == ION_E_FAILED || status.code() == ION_E_IO) {
          fail(status);
        }
        done(status);
      });
    });
  };
  // Without fsync the snapshot reaches as far as the log does: so must what is durable, or a power cut leaves it ahead of its log.
  const Offset upto = fsync() || ION_BUG(dedup_outlives_log) ? before : next_;
  call([&](Op& op) { return log_.sync(op, upto); }, [alive = context_.alive(), cut](const ion_result&) { alive->on_shard(cut); });
}

void PartitionLog::seal(Done done) {
  call([&](Op& op) { return log_.seal(op); }, [this, alive = context_.alive(), done = std::move(done)](const ion_result& r) {
    alive->on_shard([this, done, status = Status::from(r.status, r.err)] {
      if (status.code() == ION_E_FAILED || status.code() == ION_E_IO) fail(status);
      done(status);
    });
  });
}

void PartitionLog::configure(const PartitionConfig& config) {
  options_.config = config;
  fsync_.store(config.durability == Durability::kFsync, std::memory_order_relaxed);
  window_.set_expiry(config.producer_expiry);
  OpenOptions options;
  options.segment_bytes = config.segment_bytes, options.segment_age = config.retention.segment_age;
  options.compaction = around_.compaction != nullptr;
  if (const Status set = log_.configure(options); !set.ok())
    around_.logger.warn("the storage does not take the new settings of a topic", {{"partition", options_.name}, {"why", set.text()}});
}

// ---- readers off the shard, and the end

bool PartitionLog::enter() {
  if (users_.arrive()) return true;
  leave();  // the last one to go closes the logs, whether it was let in or not
  return false;
}

void PartitionLog::leave() {
  if (users_.depart()) context_.on_shard([this] { close_logs(); });
}

LogStat PartitionLog::stat() {
  if (!enter()) return {};
  const LogStat stat = log_.stat();
  note_damage(stat);
  leave();
  return stat;
}

void PartitionLog::close(std::function<void(Status)> done) {
  ION_ASSERT(!appending_ && !syncing_ && !snapshotting_ && covers_.empty());
  closed_ = std::move(done);
  // Readers off the shard finish first; the last one calls close_logs().
  if (users_.close()) close_logs();
}

void PartitionLog::close_logs() {
  if (std::exchange(closing_, true)) return;
  around_.health.clear(part_);  // readers, who may find damage, have left
  snapshots_.close([this, alive = context_.alive()](const Status& first) {
    alive->on_shard([this, alive, first] {
      call([&](Op& op) { return log_.close(op); }, [this, alive, first](const ion_result& r) {
        const Status second = Status::from(r.status, r.err);
        std::exchange(closed_, nullptr)(second.ok() ? first : second);
      });
    });
  });
}

}  // namespace ion::partition
