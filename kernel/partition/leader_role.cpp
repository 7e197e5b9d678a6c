#include "partition/leader_role.h"

#include "partition/partition_limits.h"

#include <fmt/format.h>
#include <ion/contract/broker_api.h>
#include <ion/simulated_bug.h>

#include <utility>

namespace ion::partition {

namespace {
constexpr Nanos kRetryAdvice = milliseconds(10);  // to clients, when a bound is full
}  // namespace

void LeaderRole::refuse(AppendJobPtr job, const Status& why) {
  explain(job->answer->error, why, why.code() == ION_E_OVERLOADED ? kRetryAdvice : Nanos{});
  job->later.fail(why);
}

void LeaderRole::append(AppendJobPtr job) {
  if (!context_.serving()) return refuse(std::move(job), Status(ION_E_CLOSED, log_.name() + " is closing", "DRAINING"));
  if (!log_.failed().ok()) return refuse(std::move(job), log_.failed());
  if (unsynced_.full() || behind_.size() >= kAppendsWaitingMax)
    return not_taken(std::move(job), Status(ION_E_OVERLOADED, fmt::format("{}: {} batches wait already", log_.name(), kAppendsWaitingMax), "QUEUE_FULL"));
  if (log_.appending()) return behind_.push_back(std::move(job));
  if (answer_known(job)) return;
  if (!log_.sync_waits().ok()) return not_taken(std::move(job), log_.sync_waits());  // it could wait for long
  append_to_log(std::move(job));
}

// A repeated batch gets its first answer, once that is durable; a broken sequence is refused. Takes the job if it answered.
bool LeaderRole::answer_known(AppendJobPtr& job) {
  auto verdict = log_.window().check(job->header);
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
  if (job->wait_durable && verdict->first_answer.next > context_.high_watermark()) {
    // The first attempt is still on its way to the disk.
    job->completes_at = std::max(verdict->first_answer.next, unsynced_.last_completes_at());
    unsynced_.wait(std::move(job));
    start_sync();
    return true;
  }
  complete(std::move(job));
  return true;
}

void LeaderRole::append_to_log(AppendJobPtr job) {
  log_.append(std::move(job), [this](AppendJobPtr back, const Status& status) { appended(std::move(back), status); });
}

void LeaderRole::appended(AppendJobPtr job, const Status& status) {
  if (status.ok()) {
    if (!not_taken_.empty()) not_taken_.erase(job->header.producer.v);
    const bool durable_topic = log_.fsync();
    if (!durable_topic) {  // first visible, then acknowledged
      context_.advance(log_.next(), log_.appended_bytes());
      log_.maybe_snapshot(context_.high_watermark());
    }
    if (durable_topic && !log_.failed().ok()) {  // a sync failed meanwhile: nothing will become durable any more
      fail_all();
      refuse(std::move(job), Status(ION_E_UNKNOWN_OUTCOME, log_.failed().message()));
    } else if (durable_topic && job->wait_durable && !ION_BUG(self_ack_before_persist)) unsynced_.wait(std::move(job));
    else complete(std::move(job));
    if (durable_topic) start_sync();
  } else if (ION_BUG(ack_before_append_result)) {
    complete(std::move(job));
  } else if (!log_.failed().ok()) {
    fail_all();
    refuse(std::move(job), status);
  } else {
    not_taken(std::move(job), status);
  }
  if (catching_up_) return;  // an outer frame goes on: as deep as one append, however many wait
  catching_up_ = true;
  while (!log_.appending() && !behind_.empty()) {
    AppendJobPtr following = std::move(behind_.front());
    behind_.pop_front();
    append(std::move(following));
  }
  catching_up_ = false;
  context_.operation_ended();
}

// Nothing of it is in the log. Its producer's next batches may be on their way already.
void LeaderRole::not_taken(AppendJobPtr job, const Status& why) {
  if (job->header.idempotent() && not_taken_.size() < kProducersNotTakenMax) not_taken_.insert_or_assign(job->header.producer.v, why);
  refuse(std::move(job), why);
}

// One sync at a time: what arrives meanwhile rides on the next one. That is the group commit of a partition; the backend joins
// those of all partitions.
void LeaderRole::start_sync() {
  if (log_.syncing() || !log_.failed().ok()) return;
  sync_upto_ = log_.next();
  sync_bytes_ = log_.appended_bytes();
  log_.sync(sync_upto_, [this](const Status& status, Offset durable) { synced(status, durable); });
}

void LeaderRole::synced(const Status& status, Offset durable) {
  if (!status.ok()) {
    fail_all();
  } else {
    // The log may have synced more than was asked for, also what is still on its way to us.
    const bool all = durable >= log_.next();
    context_.advance(all ? log_.next() : sync_upto_, all ? log_.appended_bytes() : sync_bytes_);
    // Not by what is visible: a topic that was altered to durability=os shows more than is flushed, and these wait for the flush.
    while (AppendJobPtr job = unsynced_.take_until(all ? log_.next() : sync_upto_)) complete(std::move(job));
    const Offset visible = context_.high_watermark();
    log_.maybe_snapshot(visible);
    if (!unsynced_.empty() || visible < log_.next()) start_sync();
  }
  context_.operation_ended();
}

void LeaderRole::complete(AppendJobPtr job) {
  ion_produce_answer& a = *job->answer;
  a.base = job->duplicate && ION_BUG(zero_offset_default) ? 0 : job->base.v;
  a.next = a.base + job->header.last_offset_delta + 1;
  a.flags = job->duplicate ? ION_PRODUCE_DUPLICATE : 0;
  a.log_start = log_.start().v;
  a.high_watermark = context_.high_watermark().v;
  // A repeat is answered without a look at what was stored: its time is not told rather than made up.
  a.append_time_ms = (job->header.attributes & batch::kLogAppendTime) != 0 ? job->header.max_time.ms : -1;
  a.log_id = log_.options().log_id.v;
  job->later.ok(static_cast<uint64_t>(a.base), static_cast<uint64_t>(a.next));
}

void LeaderRole::fail_all() {
  const Status& why = log_.failed();
  // These are in the log: recovery may keep and serve them.
  const Status unknown(ION_E_UNKNOWN_OUTCOME, why.message());
  while (AppendJobPtr job = unsynced_.take_any()) refuse(std::move(job), unknown);
  for (AppendJobPtr& job : std::exchange(behind_, {})) refuse(std::move(job), why);
}

}  // namespace ion::partition
