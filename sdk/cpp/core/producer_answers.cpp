// What comes back: receipts, refusals, silence. Every batch ends in exactly one Deliver.
#include <fmt/format.h>

#include <algorithm>

#include "core/producer_core.h"

namespace ion::client {

using namespace produce;

void ProducerCore::on(const Acked& e, Instant now, Actions& out) {
  std::vector<PartitionQueue*> touched;
  std::vector<LinkState*> lighter;
  const auto note = [](auto& list, auto* what) {
    if (std::find(list.begin(), list.end(), what) == list.end()) list.push_back(what);
  };
  for (const Ack& ack : e.acks) {
    if (limits_.promise == ProducerLimits::Promise::kUnanswered) {
      overheard(ack, out);
      continue;
    }
    PartitionQueue* p = partition(ack.partition);
    const InFlight* batch = p == nullptr ? nullptr : p->find(ack.correlation);
    if (batch == nullptr) continue;  // of an earlier attempt
    note(touched, p);
    note(lighter, batch->link);
    answer(ack, mix(e.random, ack.correlation), now, out);
    if (!fatal_.ok()) return;
  }
  for (PartitionQueue* p : touched) pump(*p, Cause::kAckReturned, now, out);
  for (LinkState* l : lighter) pump_blocked(*l, now, out);
}

// An unanswered record has its receipt by being written. What a broker says all the same tells where the next ones have to go.
void ProducerCore::overheard(const Ack& ack, Actions& out) {
  if (!ack.failure) return;
  const Status& why = ack.failure->status;
  if (why.reason() == kTopicRecreated) stale_ = true;
  if (stale_ || why.code() == ION_E_NOT_LEADER || why.code() == ION_E_NOT_FOUND) want_metadata(out);
}

void ProducerCore::answer(const Ack& ack, uint64_t random, Instant now, Actions& out) {
  PartitionQueue& p = *partition(ack.partition);
  InFlight& batch = *p.find(ack.correlation);
  LinkState& l = *batch.link;
  const Nanos round_trip = now - batch.sent_at;
  leave_link(batch);
  if (ack.failure) return refuse(p, batch, ack, random, now, out);
  l.window.acked(batch.bytes->size(), round_trip, now);
  l.failures = 0;  // a stream that only opens proves nothing
  p.failures = 0;
  Deliver outcome;
  outcome.first = {p.id(), ack.base_offset, {}, ack.log};
  if (!ack.routed_topic.empty()) outcome.first.partition = ack.routed_partition, outcome.first.routed_topic = ack.routed_topic;
  outcome.append_time = ack.append_time;
  outcome.not_stored = ack.not_stored;
  deliver(p.take(batch), std::move(outcome), out);
}

void ProducerCore::on(const Written& e, Instant now, Actions& out) {
  PartitionQueue* p = partition(e.partition);
  InFlight* batch = p == nullptr ? nullptr : p->find(e.correlation);
  if (batch == nullptr || limits_.promise != ProducerLimits::Promise::kUnanswered) return;
  LinkState& l = *batch->link;
  leave_link(*batch);
  Deliver unanswered;
  unanswered.first = {p->id(), {-1}, {}, {}};
  deliver(p->take(*batch), std::move(unanswered), out);
  pump(*p, Cause::kAckReturned, now, out);
  pump_blocked(l, now, out);
}

void ProducerCore::refuse(PartitionQueue& p, InFlight& batch, const Ack& ack, uint64_t random, Instant now, Actions& out) {
  const Failure& failure = *ack.failure;
  ION_ASSERT(batch.is == InFlight::Is::kToSend);
  const Code code = failure.status.code();
  p.last_cause = failure.status;
  if (failure.status.reason() == kTopicRecreated) {
    stale_ = true;
    return want_metadata(out);
  }
  if (failure.status.reason() == kRecordTooLarge && batch.waiters.size() > 1) {  // all of them are too large, or some, or only the bundle
    want_metadata(out);
    used_bytes_ -= batch.bytes->size();
    used_bytes_ += p.halve(batch, packer_);
    return;
  }
  if (failure.status.reason() == kOutOfSequence && idempotent()) {
    if (p.has_elders(batch)) return;  // they were not stored either; all go again in order
    if (!p.behind_no_space.ok()) return fail_batch(p, batch, p.behind_no_space, out);
    if (p.session.is == Session::Is::kBroken) return p.orphan(batch);
    return fail_everything(failure.status, out);
  }
  if (code == ION_E_FENCED) return fail_everything(failure.status, out);
  const bool unknown = code == ION_E_UNKNOWN_OUTCOME || code == ION_E_DEADLINE;
  bool again = worth_asking_again(failure, Repeat::kSafe) && (idempotent() || !unknown);
  if (code == ION_E_NOT_LEADER || code == ION_E_NOT_FOUND) {
    want_metadata(out);
    if (!failure.leader_hint.empty()) p.leader = failure.leader_hint;
    again = again || batch.attempts < 2;  // a topic is asked for once more, with fresh metadata
  }
  if (code == ION_E_NO_SPACE) return fail_for_space(p, batch, failure.status, out);
  if (!again) return fail_batch(p, batch, failure.status, out, ack.not_stored);
  p.retry_at = now + backoff(limits_.backoff, p.failures++, random, failure.retry_after);
  arm(p.retry_at);
}

void ProducerCore::fail_batch(PartitionQueue& p, InFlight& batch, Status why, Actions& out, const std::vector<RecordOutcome>& because) {
  ION_ASSERT(!why.ok());
  if (batch.is == InFlight::Is::kSent) leave_link(batch);
  if (idempotent()) p.session.is = Session::Is::kBroken;
  Deliver outcome;
  outcome.status = std::move(why);
  outcome.not_stored = because;
  deliver(p.take(batch), std::move(outcome), out);
}

// What was handed over behind it must not be stored in its place.
void ProducerCore::fail_for_space(PartitionQueue& p, InFlight& batch, const Status& why, Actions& out) {
  fail_batch(p, batch, why, out);
  p.behind_no_space = Status(why.code(), fmt::format("{}[{}]: not sent, since a batch before it found no space: {}", topic_, p.id().v, why.message()), why.reason());
  if (limits_.no_space == NoSpace::kEnd) p.ended = p.behind_no_space;
  fail_gathering(p, p.behind_no_space, out);
}

void ProducerCore::fail_gathering(PartitionQueue& p, const Status& why, Actions& out) {
  for (Gathering& front : p.gathering) {
    used_records_ -= front.waiters.size();
    used_bytes_ -= front.writer.bytes();
    close_generation(front.generation, front.waiters.size());
    Deliver lost;
    lost.status = why;
    lost.waiters = std::move(front.waiters);
    out.deliver.push_back(std::move(lost));
  }
  p.gathering.clear();
}

void ProducerCore::deliver(InFlight batch, Deliver outcome, Actions& out) {
  ION_ASSERT(used_records_ >= batch.waiters.size() && used_bytes_ >= batch.bytes->size());
  used_records_ -= batch.waiters.size();
  used_bytes_ -= batch.bytes->size();
  close_generation(batch.generation, batch.waiters.size());
  outcome.waiters = std::move(batch.waiters);
  outcome.bytes = batch.bytes->size();
  out.deliver.push_back(std::move(outcome));
}

// Not under way any more: to be sent again, unless somebody decides otherwise.
void ProducerCore::leave_link(InFlight& batch) {
  ION_ASSERT(batch.is == InFlight::Is::kSent && batch.link->in_flight_bytes >= batch.bytes->size());
  batch.link->in_flight_bytes -= batch.bytes->size();
  batch.is = InFlight::Is::kToSend;
  batch.link = nullptr;
}

void ProducerCore::on(const Tick&, Instant now, Actions& out) {
  expire_kept(now, out);
  for (PartitionQueue& p : partitions_) {
    expire(p, now, out);
    reset_silent(p, now, out);
  }
  if (metadata_.is == Question::Is::kLater && now >= metadata_.at) {
    metadata_.is = Question::Is::kAsked;
    out.fetch_metadata = true;
  }
  if (identify_.is == Question::Is::kLater && now >= identify_.at) {
    identify_.is = Question::Is::kAsked;
    out.fetch_identity = true;
  }
  pump_all(now, out);
  wake_at_ = scan_deadlines(now);
}

void ProducerCore::expire_kept(Instant now, Actions& out) {
  if (kept_.empty() || now - kept_.front().since < limits_.delivery_timeout) return;
  const Status& last = metadata_.last;
  fail_kept({ION_E_DEADLINE,
             fmt::format("{}: not sent within {} ms: where its partitions are was asked {} times, last cause: {}", topic_,
                         limits_.delivery_timeout.n / 1'000'000, metadata_.failures + 1, last.ok() ? "no answer yet" : last.text()),
             std::string(kTimedOut)}, out);
}

void ProducerCore::expire(PartitionQueue& p, Instant now, Actions& out) {
  const auto due = [&](Instant opened) { return now - opened >= limits_.delivery_timeout; };
  const auto words = [&](size_t records, uint32_t attempts) {
    return Status(ION_E_DEADLINE,
                  fmt::format("{}[{}]: {} records not acknowledged within {} ms: {} attempts, last cause: {}", topic_, p.id().v, records,
                              limits_.delivery_timeout.n / 1'000'000, attempts, p.last_cause.ok() ? "no answer" : p.last_cause.text()),
                  std::string(kTimedOut));
  };
  while (!p.orphans.empty() && due(p.orphans.front().opened)) {
    Deliver outcome;
    outcome.status = words(p.orphans.front().waiters.size(), p.orphans.front().attempts);
    deliver(std::move(p.orphans.front()), std::move(outcome), out);
    p.orphans.pop_front();
  }
  while (!p.in_flight.empty() && due(p.in_flight.front().opened))
    fail_batch(p, p.in_flight.front(), words(p.in_flight.front().waiters.size(), p.in_flight.front().attempts), out);
  while (!p.gathering.empty() && due(p.gathering.front().opened)) {
    Gathering& front = p.gathering.front();
    ION_ASSERT(used_records_ >= front.waiters.size() && used_bytes_ >= front.writer.bytes());
    used_records_ -= front.waiters.size();
    used_bytes_ -= front.writer.bytes();
    close_generation(front.generation, front.waiters.size());
    Deliver outcome;
    outcome.status = words(front.waiters.size(), 0);
    outcome.waiters = std::move(front.waiters);
    out.deliver.push_back(std::move(outcome));
    p.gathering.pop_front();
  }
}

void ProducerCore::reset_silent(PartitionQueue& p, Instant now, Actions& out) {
  for (const InFlight& batch : p.in_flight) {
    if (batch.is != InFlight::Is::kSent || now - batch.sent_at < limits_.request_timeout) continue;
    if (batch.link->is != LinkState::Is::kUp) continue;
    batch.link->is = LinkState::Is::kResetting;
    out.reset_links.push_back(batch.link->id);
  }
}

void ProducerCore::fail_everything(const Status& why, Actions& out) {
  if (fatal_.ok()) fatal_ = why;
  fail_kept(why, out);
  for (PartitionQueue& p : partitions_) {
    fail_queue(p, why, out);
  }
  used_records_ = used_bytes_ = 0;
  open_.clear();
  wake_at_ = kNever;
}

// Everything of one partition ends; what its broker still answers is not waited for, and so the sequence may have a hole.
void ProducerCore::fail_queue(PartitionQueue& p, const Status& why, Actions& out, Sent sent) {
  const Status unknown(ION_E_UNKNOWN_OUTCOME, "it was sent, and the stream ended before an answer: " + why.text(), why.reason());
  if (!p.in_flight.empty() && p.session.is == Session::Is::kWell) p.session.is = Session::Is::kBroken;
  const auto lose = [&](InFlight& batch) {
    if (batch.is == InFlight::Is::kSent) leave_link(batch);
    Deliver lost;
    lost.status = sent == Sent::kUnknown && batch.attempts > 0 ? unknown : why;
    deliver(std::move(batch), std::move(lost), out);
  };
  for (InFlight& batch : p.orphans) lose(batch);
  for (InFlight& batch : p.in_flight) lose(batch);
  p.orphans.clear(), p.in_flight.clear();
  fail_gathering(p, why, out);
}

// The topic of our name is another one now: nothing of what is under way can be in it, since each batch names its topic.
void ProducerCore::begin_again(const MetadataArrived& e, Actions& out) {
  stale_ = false;
  const size_t before = partitions_.size(), count = e.partitions.size();
  size_t records = 0;
  for (PartitionQueue& p : partitions_) {
    for (const InFlight& batch : p.orphans) records += batch.waiters.size();
    for (const InFlight& batch : p.in_flight) records += batch.waiters.size();
    for (const Gathering& front : p.gathering) records += front.waiters.size();
    p.retry_at = {}, p.failures = 0;
    if (!idempotent()) {
      for (InFlight& batch : p.in_flight)
        if (batch.is == InFlight::Is::kSent && limits_.promise == ProducerLimits::Promise::kPlain) leave_link(batch);
      continue;
    }
    if (p.session.is == Session::Is::kWell) p.session.is = Session::Is::kBroken;
    while (!p.in_flight.empty()) {
      if (p.in_flight.front().is == InFlight::Is::kSent) leave_link(p.in_flight.front());
      p.orphan(p.in_flight.front());
    }
  }
  out.recreated = fmt::format("topic {} was deleted and made again (it was {}, it is {}): {} records under way {}", topic_, topic_id_.text(), e.topic_id.text(), records,
                              before == count ? "go to the new one" : "fail, because its number of partitions differs");
  if (before == count) return;
  const Status why(ION_E_CONFLICT, fmt::format("topic {} was deleted and made again with {} partitions instead of {} while this record was under way", topic_, count, before),
                   std::string(kTopicRecreated));
  for (PartitionQueue& p : partitions_) fail_queue(p, why, out);
  if (count >= before) return;
  const auto gone = [count](PartitionId id) { return static_cast<size_t>(id.v) >= count; };
  for (auto& [id, l] : links_) std::erase_if(l.blocked, gone);
  std::erase_if(partitions_, [&](const PartitionQueue& p) { return gone(p.id()); });
}

void ProducerCore::close_generation(uint64_t generation, uint64_t count) {
  const auto at = open_.find(generation);
  ION_ASSERT(at != open_.end() && at->second >= count);
  if ((at->second -= count) == 0) open_.erase(at);
}

}  // namespace ion::client
