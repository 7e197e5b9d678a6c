#include "partition/partition.h"

#include "partition/partition_limits.h"
#include "partition/window_loader.h"

#include <fmt/format.h>
#include <ion/continuation.h>
#include <ion/contract/broker_api.h>

#include <utility>

namespace ion::partition {

namespace {
// Decides who goes on after an op that may answer inside the call or later from any thread: exactly one of the two sides.
struct Rendezvous {
  std::atomic<bool> first{true};
  bool second_to_come() { return !first.exchange(false, std::memory_order_acq_rel); }
};
constexpr Nanos kRetrySync = milliseconds(1);     // when the storage has no space for another one that waits
constexpr Nanos kRetryAdvice = milliseconds(10);  // to clients, when a bound is full
}  // namespace

namespace {
// A log that is open may not be dropped: its storage would keep it for ever.
void close_logs_of(const std::shared_ptr<PartitionOptions>& seed, std::function<void()> then) {
  const auto close_data = [seed, then = std::move(then)] {
    call([&](Op& op) { return seed->log->close(op); }, [seed, then](const ion_result&) { then(); });
  };
  if (seed->state == nullptr) return close_data();
  call([&](Op& op) { return seed->state->close(op); }, [close_data](const ion_result&) { close_data(); });
}
}  // namespace

void Partition::open(PartitionServices around, PartitionOptions seed, PartitionOpened done) {
  Log& log = *seed.log;
  Log* const state = seed.state.get();
  auto kept = std::make_shared<PartitionOptions>(std::move(seed));  // shared: std::function copies
  load_window(log, state, [around, kept, done = std::move(done)](Result<LoadedWindow> loaded) {
    if (!loaded) return close_logs_of(kept, [done, why = loaded.error()] { done(why); });
    done(std::make_shared<Partition>(around, std::move(*kept), *std::move(loaded)));
  });
}

Partition::Partition(PartitionServices around, PartitionOptions seed, LoadedWindow loaded)
    : around_(around), seed_(std::move(seed)), log_(*seed_.log), window_(std::move(loaded.window)),
      snapshots_(std::move(seed_.state), std::move(seed_.open_state), loaded.state_next), scanned_bytes_(loaded.scanned_bytes) {
  const LogStat stat = log_.stat();
  next_ = stat.next;
  log_start_ = stat.first.v;
  log_end_ = stat.next.v;
  // What recovery kept is served: it was proved whole, and an unacknowledged tail may stay (correctness I11).
  high_watermark_ = stat.next.v;
  if (stat.damaged) {
    failed_ = Status(ION_E_CORRUPT,
                     fmt::format("{}: offsets {} to {} are damaged and this is the only replica: the rest can be read, and no more records are taken. `ion topic describe` shows the damage",
                                 seed_.name, stat.bad_from.v, stat.bad_upto.v),
                     "DATA_LOSS");
    health_ = ION_E_CORRUPT;
    around_.health.raise("partition " + seed_.name, failed_.message());
  }
}

void Partition::on_shard(std::function<void()> work) {
  const Status given = go_on_at({around_.executor, around_.timers, around_.clock}, seed_.shard, Hop::kRun, [self = shared_from_this(), work = std::move(work)] {
    RoleScope scope(shard_role);
    work();
  });
  if (given.ok() || given.code() == ION_E_CLOSED) return;
  around_.logger.error("work of a partition was dropped", {{"partition", seed_.name}, {"why", given.text()}});
}

// ---- produce

Answer Partition::produce(Op& op, const batch::Header& header, std::span<const ion_buf> parts, uint32_t acks, ion_produce_answer& a) {
  auto job = std::make_unique<AppendJob>();
  job->header = header;
  job->parts = parts;
  job->answer = &a;
  job->wait_durable = acks != ION_ACKS_NONE && seed_.config.durability == Durability::kFsync;
  job->owner = shared_from_this();
  job->later = op.later();
  const Status given = around_.executor.run(
      seed_.shard,
      [](void* ctx) noexcept {
        AppendJobPtr mine(static_cast<AppendJob*>(ctx));
        RoleScope scope(shard_role);
        const PartitionPtr self = std::move(mine->owner);
        self->append(std::move(mine));
      },
      job.get());
  if (given.ok()) (void)job.release();
  else refuse(std::move(job), given);
  return op.pending();
}

void Partition::refuse(AppendJobPtr job, const Status& why) {
  explain(job->answer->error, why, why.code() == ION_E_OVERLOADED ? kRetryAdvice : Nanos{});
  job->later.fail(why);
}

void Partition::append(AppendJobPtr job) {
  if (life_ != Life::kServing) return refuse(std::move(job), Status(ION_E_CLOSED, seed_.name + " is closing", "DRAINING"));
  if (!failed_.ok()) return refuse(std::move(job), failed_);
  if (unsynced_.full() || behind_.size() >= kAppendsWaitingMax)
    return not_taken(std::move(job), Status(ION_E_OVERLOADED, fmt::format("{}: {} batches wait already", seed_.name, kAppendsWaitingMax), "QUEUE_FULL"));
  if (appending_) return behind_.push_back(std::move(job));
  if (!answer_known(job)) append_to_log(std::move(job));
}

// A repeated batch gets its first answer, once that is durable; a broken sequence is refused. Takes the job if it answered.
bool Partition::answer_known(AppendJobPtr& job) {
  auto verdict = window_.check(job->header);
  if (!verdict) {
    // What a producer sent behind a batch that was not taken is no fault of its sequence.
    const auto before = verdict.error().reason() == "OUT_OF_SEQUENCE" ? not_taken_.find(job->header.producer.v) : not_taken_.end();
    if (before == not_taken_.end()) around_.metrics.refused();
    refuse(std::move(job), before == not_taken_.end() ? verdict.error() : before->second);
    return true;
  }
  if (verdict->kind == ProducerWindow::Kind::kFresh) return false;
  around_.metrics.duplicate();
  job->duplicate = true;
  job->base = verdict->first_answer.base;
  if (job->wait_durable && verdict->first_answer.next.v > high_watermark_.load(std::memory_order_relaxed)) {
    // The first attempt is still on its way to the disk.
    job->completes_at = std::max(verdict->first_answer.next, unsynced_.last_completes_at());
    unsynced_.wait(std::move(job));
    start_sync();
    return true;
  }
  complete(std::move(job));
  return true;
}

void Partition::append_to_log(AppendJobPtr job) {
  job->patch(next_, seed_.epoch);
  appending_ = true;
  struct Appending {
    AppendJobPtr job;
    ion_batch batch{};  // borrowed by the op until its completion, like everything in the job
    Status status;
    Rendezvous meet;
  };
  auto state = std::make_shared<Appending>();  // shared by the two sides of the rendezvous
  state->batch = {job->header.base_offset.v, job->header.next_offset().v, job->header.max_time.ms, seed_.epoch.v,
                  static_cast<uint32_t>(job->patched.size()), job->patched.data()};
  state->job = std::move(job);
  call([&](Op& op) { return log_.append(op, std::span<const ion_batch>(&state->batch, 1)); },
       [self = shared_from_this(), state](const ion_result& r) {
         state->status = Status::from(r.status, r.err);
         if (!state->meet.second_to_come()) return;  // still inside append_to_log, which goes on below
         self->on_shard([self, state] { self->appended(std::move(state->job), state->status); });
       });
  if (state->meet.second_to_come()) appended(std::move(state->job), state->status);
}

void Partition::appended(AppendJobPtr job, const Status& status) {
  appending_ = false;
  if (status.ok()) {
    next_ = job->header.next_offset();
    window_.record(job->header);
    taken(job->header);
    const uint64_t bytes = job->header.total_bytes();
    appended_bytes_ += bytes;
    log_end_.store(next_.v, std::memory_order_release);
    around_.metrics.appended(static_cast<int64_t>(bytes), job->header.count);
    const bool durable_topic = seed_.config.durability == Durability::kFsync;
    if (!durable_topic) advance(next_, appended_bytes_);  // first visible, then acknowledged
    if (durable_topic && job->wait_durable) unsynced_.wait(std::move(job));
    else complete(std::move(job));
    if (durable_topic) start_sync();
  } else {
    if (status.code() == ION_E_FAILED || status.code() == ION_E_IO) fail_all(status), refuse(std::move(job), status);
    else not_taken(std::move(job), status);
  }
  if (catching_up_) return;  // an outer frame goes on: as deep as one append, however many wait
  catching_up_ = true;
  while (!appending_ && !behind_.empty()) {
    AppendJobPtr following = std::move(behind_.front());
    behind_.pop_front();
    append(std::move(following));
  }
  catching_up_ = false;
  if (life_ == Life::kClosing) finish_close();
}

// Nothing of it is in the log. Its producer's next batches may be on their way already.
void Partition::not_taken(AppendJobPtr job, const Status& why) {
  if (job->header.idempotent() && not_taken_.size() < kProducersNotTakenMax) not_taken_.insert_or_assign(job->header.producer.v, why);
  if (why.code() == ION_E_NO_SPACE && health_.exchange(ION_E_NO_SPACE, std::memory_order_relaxed) != ION_E_NO_SPACE) {
    around_.logger.error("partition takes no records: no space", {{"partition", seed_.name}, {"why", why.message()}});
    around_.health.raise("partition " + seed_.name, "not serving for writes: " + why.message());
  }
  refuse(std::move(job), why);
}

void Partition::taken(const batch::Header& header) {
  if (!not_taken_.empty()) not_taken_.erase(header.producer.v);
  if (health_.load(std::memory_order_relaxed) != ION_E_NO_SPACE) return;
  health_.store(ION_OK, std::memory_order_relaxed);
  around_.logger.info("partition takes records again", {{"partition", seed_.name}});
  around_.health.clear("partition " + seed_.name);
}

// One sync at a time: what arrives meanwhile rides on the next one. That is the group commit of a partition; the backend joins
// those of all partitions.
void Partition::start_sync() {
  if (syncing_ || !failed_.ok()) return;
  syncing_ = true;
  sync_upto_ = next_;
  sync_bytes_ = appended_bytes_;
  around_.metrics.synced();
  call([&](Op& op) { return log_.sync(op, sync_upto_); },
       [self = shared_from_this()](const ion_result& r) {
         self->on_shard([self, status = Status::from(r.status, r.err), durable = Offset{static_cast<int64_t>(r.u0)}] { self->synced(status, durable); });
       });
}

void Partition::synced(const Status& status, Offset durable) {
  if (status.code() == ION_E_OVERLOADED) return sync_later();  // nothing was tried
  syncing_ = false;
  if (!status.ok()) {
    fail_all(Status(ION_E_FAILED, fmt::format("{}: not known to be durable, and this log takes no more: {}", seed_.name, status.message())));
  } else {
    // The log may have synced more than was asked for, also what is still on its way to us.
    if (durable >= next_) advance(next_, appended_bytes_);
    else advance(sync_upto_, sync_bytes_);
    const Offset visible{high_watermark_.load(std::memory_order_relaxed)};
    while (AppendJobPtr job = unsynced_.take_until(visible)) complete(std::move(job));
    if (!unsynced_.empty() || visible < next_) start_sync();
    else maybe_snapshot();
  }
  if (life_ == Life::kClosing) finish_close();
}

// syncing_ stays set: nobody asks in between.
void Partition::sync_later() {
  auto* self = new PartitionPtr(shared_from_this());
  const auto armed = around_.timers.arm(
      seed_.shard, around_.clock.now() + kRetrySync,
      [](void* ctx) noexcept {
        const std::unique_ptr<PartitionPtr> mine(static_cast<PartitionPtr*>(ctx));
        RoleScope scope(shard_role);
        (*mine)->syncing_ = false;
        (*mine)->start_sync();
        if ((*mine)->life_ == Life::kClosing) (*mine)->finish_close();
      },
      self);
  if (armed) return;
  delete self;
  syncing_ = false;
  fail_all(Status(ION_E_FAILED, seed_.name + ": not known to be durable, and no timer is left to try again"));
}

void Partition::advance(Offset high_watermark, uint64_t visible_bytes) {
  if (high_watermark.v <= high_watermark_.load(std::memory_order_relaxed)) return;
  ION_ASSERT(high_watermark <= next_);
  high_watermark_.store(high_watermark.v, std::memory_order_release);
  visible_bytes_.store(visible_bytes, std::memory_order_release);
  if (!fetches_.empty()) finish_fetches(fetches_.take_ripe(visible_bytes, high_watermark));
  if (seed_.config.durability == Durability::kOs) maybe_snapshot();
}

void Partition::complete(AppendJobPtr job) {
  ion_produce_answer& a = *job->answer;
  a.base = job->base.v;
  a.next = a.base + job->header.last_offset_delta + 1;
  a.flags = job->duplicate ? ION_PRODUCE_DUPLICATE : 0;
  a.log_start = log_start_.load(std::memory_order_relaxed);
  a.high_watermark = high_watermark_.load(std::memory_order_relaxed);
  a.append_time_ms = -1;
  a.log_id = seed_.log_id.v;
  job->later.ok(static_cast<uint64_t>(a.base), static_cast<uint64_t>(a.next));
}

void Partition::fail_all(const Status& status) {
  failed_ = status;
  health_.store(status.code(), std::memory_order_relaxed);
  around_.health.raise("partition " + seed_.name, "refuses appends: " + status.message());
  around_.logger.error("partition refuses appends from now on", {{"partition", seed_.name}, {"why", status.message()}});
  // These are in the log: recovery may keep and serve them (correctness I11).
  const Status unknown(ION_E_UNKNOWN_OUTCOME, status.message());
  while (AppendJobPtr job = unsynced_.take_any()) refuse(std::move(job), unknown);
  for (AppendJobPtr& job : std::exchange(behind_, {})) refuse(std::move(job), status);
}

}  // namespace ion::partition
