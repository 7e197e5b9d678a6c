// The end of a Partition's life, and the snapshots of producer state that make the next start short.
#include "partition/partition.h"
#include "partition/partition_limits.h"
#include "partition/window_loader.h"

#include <utility>

namespace ion::partition {

// Only state that is durable in the log may be written down: a snapshot ahead of its log would be thrown away.
void Partition::maybe_snapshot() {
  if (snapshotting_ || life_ != Life::kServing || appended_bytes_ - snapshot_at_bytes_ < kSnapshotEveryBytes) return;
  if (window_.producers() == 0 || high_watermark_.load(std::memory_order_relaxed) != next_.v) return;
  write_snapshot();
}

void Partition::write_snapshot() {
  snapshotting_ = true;
  snapshot_at_bytes_ = appended_bytes_, scanned_bytes_ = 0;
  snapshots_.write(
      window_, next_, [self = shared_from_this()](std::function<void()> work) { self->on_shard(std::move(work)); },
      [self = shared_from_this()](const Status& status) { self->snapshot_written(status); });
}

void Partition::snapshot_written(const Status& status) {
  snapshotting_ = false;
  if (!status.ok())
    around_.logger.warn("producer state not written down; the next start reads more", {{"partition", seed_.name}, {"why", status.message()}});
  if (life_ == Life::kClosing) finish_close();
}

void Partition::close(std::function<void(Status)> done) {
  on_shard([self = shared_from_this(), done = std::move(done)]() mutable {
    RoleScope scope(shard_role);
    if (self->life_ != Life::kServing) return done(Status(ION_E_CLOSED, self->seed_.name + " is closing already"));
    self->life_ = Life::kClosing;
    self->closed_ = std::move(done);
    for (ParkedFetch& f : self->fetches_.take_all()) f.later.fail(Status(ION_E_CLOSED, self->seed_.name + " is closing", "DRAINING"));
    self->finish_close();
  });
}

// Called whenever something in flight ended: goes on when nothing is left.
void Partition::finish_close() {
  if (appending_ || catching_up_ || syncing_ || snapshotting_ || !unsynced_.empty() || !behind_.empty() || life_ != Life::kClosing) return;
  const uint64_t next_start_reads = appended_bytes_ - snapshot_at_bytes_ + scanned_bytes_;
  if (failed_.ok() && window_.producers() != 0 && next_start_reads >= kSnapshotAtCloseBytes && high_watermark_.load(std::memory_order_relaxed) == next_.v)
    return write_snapshot();
  around_.health.clear("partition " + seed_.name);
  life_ = Life::kClosed;
  if (timer_ != nullptr && around_.timers.disarm(timer_)) delete static_cast<PartitionPtr*>(std::exchange(timer_ctx_, nullptr));
  timer_ = nullptr;
  // Readers off the shard finish first; the last one calls close_logs().
  if (users_.fetch_or(kLogsClosed, std::memory_order_acq_rel) == 0) close_logs();
}

void Partition::close_logs() {
  if (std::exchange(closing_logs_, true)) return;
  snapshots_.close([self = shared_from_this()](const Status& first) {
    self->on_shard([self, first] {
      call([&](Op& op) { return self->log_.close(op); }, [self, first](const ion_result& r) {
        const Status second = Status::from(r.status, r.err);
        std::exchange(self->closed_, nullptr)(second.ok() ? first : second);
      });
    });
  });
}

}  // namespace ion::partition
