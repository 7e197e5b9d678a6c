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
  snapshot_at_bytes_ = appended_bytes_;
  struct Writing {
    std::vector<uint8_t> bytes;
    ion_buf part{};
    ion_batch one{};
  };
  auto w = std::make_shared<Writing>();  // the bytes are borrowed by the op until its completion
  w->bytes = snapshot_batch(state_next_, window_.snapshot(next_));
  w->part = borrowed(w->bytes);
  w->one = {state_next_.v, state_next_.v + 1, 0, 0, 1, &w->part};
  call([&](Op& op) { return state_log_.append(op, std::span<const ion_batch>(&w->one, 1)); },
       [self = shared_from_this(), w](const ion_result& r) {
         self->on_shard([self, status = Status::from(r.status, r.err)] { self->snapshot_written(status); });
       });
}

void Partition::snapshot_written(const Status& status) {
  if (!status.ok()) {
    snapshotting_ = false;
    around_.logger.warn("producer state not written down; the next start reads more", {{"partition", seed_.name}, {"why", status.message()}});
  } else {
    const Offset newest = state_next_;
    state_next_ = state_next_ + 1;
    // The newest stands for all before it. A refusal only costs space.
    return call([&](Op& op) { return state_log_.truncate_prefix(op, newest); }, [self = shared_from_this()](const ion_result&) {
      self->on_shard([self] {
        self->snapshotting_ = false;
        if (self->life_ == Life::kClosing) self->finish_close();
      });
    });
  }
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
  if (failed_.ok() && window_.producers() != 0 && snapshot_at_bytes_ != appended_bytes_ && high_watermark_.load(std::memory_order_relaxed) == next_.v)
    return write_snapshot();
  life_ = Life::kClosed;
  if (timer_ != nullptr && around_.timers.disarm(timer_)) delete static_cast<PartitionPtr*>(std::exchange(timer_ctx_, nullptr));
  timer_ = nullptr;
  // Readers off the shard finish first; the last one calls close_logs().
  if (users_.fetch_or(kLogsClosed, std::memory_order_acq_rel) == 0) close_logs();
}

void Partition::close_logs() {
  if (std::exchange(closing_logs_, true)) return;
  call([&](Op& op) { return state_log_.close(op); }, [self = shared_from_this()](const ion_result& state) {
    const Status first = Status::from(state.status, state.err);
    self->on_shard([self, first] {
      call([&](Op& op) { return self->log_.close(op); }, [self, first](const ion_result& r) {
        const Status second = Status::from(r.status, r.err);
        std::exchange(self->closed_, nullptr)(second.ok() ? first : second);
      });
    });
  });
}

}  // namespace ion::partition
