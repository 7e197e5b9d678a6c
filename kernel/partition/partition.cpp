#include "partition/partition.h"

#include "partition/repair.h"
#include "partition/window_loader.h"

#include <fmt/format.h>
#include <ion/continuation.h>

#include <utility>

namespace ion::partition {

namespace {
// A log that is open may not be dropped: its storage would keep it for ever.
void close_logs_of(const std::shared_ptr<PartitionOptions>& options, std::function<void()> then) {
  const auto close_data = [options, then = std::move(then)] {
    call([&](Op& op) { return options->log->close(op); }, [options, then](const ion_result&) { then(); });
  };
  if (options->state == nullptr) return close_data();
  call([&](Op& op) { return options->state->close(op); }, [close_data](const ion_result&) { close_data(); });
}
}  // namespace

void Partition::open(PartitionServices around, PartitionOptions options, PartitionOpened done) {
  Log& log = *options.log;
  Log* const state = options.state.get();
  auto kept = std::make_shared<PartitionOptions>(std::move(options));  // shared: std::function copies
  const WindowRules rules{around.clock.wall(), kept->config.producer_expiry};
  load_window(rules, log, state, [around, kept, done = std::move(done)](Result<LoadedWindow> loaded) {
    if (!loaded) return close_logs_of(kept, [done, why = loaded.error()] { done(why); });
    done(std::make_shared<Partition>(around, std::move(*kept), *std::move(loaded)));
  });
}

// What recovery kept is served: it was proved whole, and an unacknowledged tail may stay.
Partition::Partition(PartitionServices around, PartitionOptions options, LoadedWindow loaded)
    : around_(around), log_(around, std::move(options), std::move(loaded), *this), role_(around, log_, *this), retention_(around, log_.options().config.retention, log_, *this),
      compactor_(around, log_.options().config, log_, *this), high_watermark_(log_.next().v) {}

void Partition::on_shard(std::function<void()> work) {
  const Status given = go_on_at({around_.executor, around_.timers, around_.clock}, shard(), Hop::kRun, [self = shared_from_this(), work = std::move(work)] {
    RoleScope scope(shard_role);
    work();
  });
  if (given.ok() || given.code() == ION_E_CLOSED) return;
  around_.logger.error("work of a partition was dropped", {{"partition", name()}, {"why", given.text()}});
}

Answer Partition::produce(Op& op, const batch::Header& header, std::span<const ion_buf> parts, uint32_t acks, ion_produce_answer& a) {
  auto job = std::make_unique<AppendJob>();
  job->header = header;
  job->parts = parts;
  job->answer = &a;
  job->wait_durable = acks != ION_ACKS_NONE && log_.fsync();
  job->owner = shared_from_this();
  job->later = op.later();
  const Status given = around_.executor.run(
      shard(),
      [](void* ctx) noexcept {
        AppendJobPtr mine(static_cast<AppendJob*>(ctx));
        RoleScope scope(shard_role);
        const PartitionPtr self = std::move(mine->owner);
        self->role_.append(std::move(mine));
      },
      job.get());
  if (given.ok()) (void)job.release();
  else LeaderRole::refuse(std::move(job), given);
  return op.pending();
}

void Partition::advance(Offset high_watermark, uint64_t bytes) {
  if (high_watermark.v <= high_watermark_.load(std::memory_order_relaxed)) return;
  ION_ASSERT(high_watermark <= log_.next());
  high_watermark_.store(high_watermark.v, std::memory_order_release);
  visible_bytes_.store(bytes, std::memory_order_release);
  if (!fetches_.empty()) finish_fetches(fetches_.take_ripe(bytes, high_watermark));
  retention_.appended(bytes);
}

void Partition::configure(const PartitionConfig& config) {
  on_shard([self = shared_from_this(), config] {
    if (self->life_ != Life::kServing) return;
    self->log_.configure(config);
    self->retention_.configure(config.retention);
    self->compactor_.configure(config);
  });
}

void Partition::look_at_retention(WallMs now) {
  const uint64_t bytes = log_.stat().bytes;  // also tells what the storage has found damaged by itself
  if (!retention_.limited(now) || !retention_.due(now, bytes)) return;
  on_shard([self = shared_from_this()] { self->retention_.look(); });
}

void Partition::look_at_compaction(WallMs now) {
  if (!compactor_.wanted() || !compactor_.due(now, log_.stat().sealed)) return;
  on_shard([self = shared_from_this()] { self->compactor_.look(); });
}

void Partition::trim(Offset before, std::function<void(const Status&)> done) {
  on_shard([self = shared_from_this(), before, done = std::move(done)] { self->retention_.trim(before, done); });
}

void Partition::repair(RepairMode mode, Instant until, RepairEnded done) {
  on_shard([self = shared_from_this(), mode, until, done = std::move(done)] { self->begin_repair(mode, until, done); });
}

void Partition::begin_repair(RepairMode mode, Instant until, RepairEnded done) {
  if (life_ != Life::kServing) return done(Status(ION_E_CLOSED, name() + " is closing", "DRAINING"));
  if (repair_ != nullptr) return done(Status(ION_E_BUSY, name() + ": a repair of it is in progress", "REPAIRING"));
  if (mode == RepairMode::kAcceptLoss && around_.compaction == nullptr)
    return done(Status(ION_E_UNSUPPORTED, name() + ": its storage cannot replace parts of a log, so it cannot be repaired"));
  PartitionContext& context = *this;
  const auto repair = repair_ = std::make_shared<Repair>(around_, log_, context, compactor_, mode, until);  // it may end at once
  repair->start([this, done = std::move(done)](const Result<RepairReport>& report) {
    repair_.reset();
    compactor_.hold(false);
    done(report);
    operation_ended();
  });
}

void Partition::close(std::function<void(Status)> done) {
  on_shard([self = shared_from_this(), done = std::move(done)]() mutable {
    if (self->life_ != Life::kServing) return done(Status(ION_E_CLOSED, self->name() + " is closing already"));
    self->life_ = Life::kClosing;
    self->closed_ = std::move(done);
    for (ParkedFetch& f : self->fetches_.take_all()) f.later.fail(Status(ION_E_CLOSED, self->name() + " is closing", "DRAINING"));
    self->log_.stop();
    self->retention_.stop();
    self->compactor_.stop();
    if (self->repair_ != nullptr) self->repair_->stop();
    self->operation_ended();
  });
}

// Called whenever something in flight ended: the close goes on when nothing is left.
void Partition::operation_ended() {
  if (const std::shared_ptr<Repair> repair = repair_; repair != nullptr) repair->others_ended();
  if (life_ != Life::kClosing || repair_ != nullptr || !role_.resting() || !retention_.resting() || !compactor_.resting() || log_.snapshotting()) return;
  if (log_.snapshot_for_close(high_watermark())) return;
  life_ = Life::kClosed;
  if (timer_ != nullptr && around_.timers.disarm(timer_)) delete static_cast<PartitionPtr*>(std::exchange(timer_ctx_, nullptr));
  timer_ = nullptr;
  log_.close(std::exchange(closed_, nullptr));
}

}  // namespace ion::partition
