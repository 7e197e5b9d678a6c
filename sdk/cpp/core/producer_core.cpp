// The way in: records are checked, routed and gathered; metadata, identity and links come and go.
#include "core/producer_core.h"

#include <fmt/format.h>
#include <ion/key_partition.h>

#include <algorithm>
#include <utility>

namespace ion::client {

using namespace produce;

namespace {
constexpr int64_t kTimeEnd = int64_t{1} << 48;
constexpr BackoffLimits kLinkBackoff{milliseconds(50), seconds(1)};
constexpr uint32_t kPartitionsMax = 1 << 20;

// Borrowed views of a record in the form of the batch writer.
constexpr Nanos kMetadataAgeMax = seconds(30);  // partitions may have been added meanwhile

class Borrowed {
 public:
  Borrowed(const Record& record, WallMs time) {
    out_.time = time;
    if (record.key) out_.key = span_of(*record.key);
    if (record.value) out_.value = span_of(*record.value);
    if (record.headers.empty()) return;
    headers_.reserve(record.headers.size());
    for (const Header& h : record.headers) headers_.push_back({h.key, h.value ? std::optional(span_of(*h.value)) : std::nullopt});
    out_.headers = headers_;
  }
  const batch::NewRecord& get() const { return out_; }

 private:
  std::vector<batch::RecordHeader> headers_;
  batch::NewRecord out_;
};
}  // namespace

ProducerCore::ProducerCore(std::string topic, const ProducerLimits& limits, uint64_t random)
    : topic_(std::move(topic)), batch_bytes_wanted_(limits.batch_bytes_max), limits_(limits), packer_(limits.codec, limits.codec_level), sticky_(static_cast<size_t>(random >> 8)) {}

Status ProducerCore::append(const Record& record, OnDelivered& done, Instant now, WallMs wall, Actions& out) {
  if (!fatal_.ok()) return fatal_;
  const WallMs time = record.timestamp.value_or(wall);
  if (time.ms < 0 || time.ms >= kTimeEnd)
    return {ION_E_INVALID, fmt::format("{}: a timestamp is from 0 to 2^48 - 1 ms, this one is {}", topic_, time.ms)};
  const Borrowed borrowed(record, time);
  const uint64_t bytes = batch::RecordWriter::bytes_for(borrowed.get());
  if (batch::kHeaderBytes + bytes > lone_bytes_max_) return too_large(bytes);
  if (used_records_ >= limits_.memory_records_max || (used_records_ > 0 && used_bytes_ + bytes > limits_.memory_bytes_max))
    return {ION_E_OVERLOADED, fmt::format("{}: {} records of {} bytes wait for delivery, at most {} of {} bytes may", topic_, used_records_, used_bytes_,
                                          limits_.memory_records_max, limits_.memory_bytes_max), "MEMORY_FULL"};
  if (partitions_.empty()) {
    want_metadata(out);
    if (idempotent() && !identity_) want_identity(out);
    keep(record, {std::move(done), time}, bytes, now);
    return {};
  }
  if (now - learnt_at_ >= kMetadataAgeMax) want_metadata(out);  // there may be more partitions by now
  ION_TRY(const PartitionId to, route(record));
  PartitionQueue& p = partitions_[static_cast<size_t>(to.v)];
  ION_CHECK(p.ended);
  const PartitionQueue::Grown grown = p.append(borrowed.get(), {std::move(done), time}, generation_, now, limits_);
  ++used_records_;
  used_bytes_ += grown.bytes;
  open_generation(generation_, 1);
  const bool rolled = grown.batch == PartitionQueue::Grown::Batch::kRolled;
  if (rolled && static_cast<size_t>(to.v) == sticky_) ++sticky_ %= partitions_.size();
  const uint64_t have = p.gathering.front().writer.bytes();
  const bool crossed = have >= limits_.batch_bytes_ready && have - grown.bytes < limits_.batch_bytes_ready;
  if (grown.batch != PartitionQueue::Grown::Batch::kSame || crossed) pump(p, Cause::kSomething, now, out);
  return {};
}

Status ProducerCore::too_large(uint64_t record_bytes) const {
  if (broker_.record_bytes_max == 0)
    return {ION_E_INVALID, fmt::format("{}: a record needs {} bytes, batch_bytes_max of this producer is {}", topic_, batch::kHeaderBytes + record_bytes, lone_bytes_max_),
            std::string(kRecordTooLarge)};
  return {ION_E_INVALID, fmt::format("{}: a record needs {} bytes; the broker takes records of {} (limits.record_bytes_max) in batches of {} bytes, batch_bytes_max of "
                                     "this producer is {}", topic_, record_bytes, broker_.record_bytes_max, broker_.batch(), batch_bytes_wanted_),
          std::string(kRecordTooLarge)};
}

void ProducerCore::learn(const BrokerLimits& broker) {
  broker_ = broker;
  limits_.batch_bytes_max = broker.batch() == 0 ? batch_bytes_wanted_ : std::min(batch_bytes_wanted_, broker.batch());
  limits_.batch_bytes_ready = std::min(limits_.batch_bytes_ready, limits_.batch_bytes_max);
}

Actions ProducerCore::step(const Event& event, Instant now) {
  Actions out;
  std::visit([&](const auto& e) { on(e, now, out); }, event);
  return out;
}

Result<PartitionId> ProducerCore::route(const Record& record) {
  const auto count = static_cast<uint32_t>(partitions_.size());
  if (record.partition) {
    if (record.partition->v < 0 || static_cast<uint32_t>(record.partition->v) >= count)
      return Status(ION_E_NOT_FOUND, fmt::format("{} has partitions 0 to {}, not {}", topic_, count - 1, record.partition->v), "PARTITION_NOT_FOUND");
    return *record.partition;
  }
  if (record.key) return partition_of_key(*record.key, count);
  return PartitionId{static_cast<int32_t>(sticky_)};
}

void ProducerCore::keep(const Record& record, Waiter waiter, uint64_t bytes, Instant now) {
  Waiting kept;
  if (record.key) kept.key = *record.key;
  if (record.value) kept.value = *record.value;
  for (const Header& h : record.headers) kept.headers.emplace_back(h.key, h.value);  // the value may be missing
  kept.partition = record.partition;
  kept.waiter = std::move(waiter);
  kept.since = now;
  kept.generation = generation_;
  kept.bytes = bytes;
  kept_.push_back(std::move(kept));
  ++used_records_;
  used_bytes_ += bytes;
  open_generation(generation_, 1);
  arm(now + limits_.delivery_timeout);
}

void ProducerCore::route_kept(Instant now, Actions& out) {
  std::vector<Header> headers;
  for (Waiting& kept : kept_) {
    headers.clear();
    for (const auto& [key, value] : kept.headers) headers.push_back({key, value});
    const Record record{kept.key, kept.value, headers, kept.partition, kept.waiter.time};
    used_bytes_ -= kept.bytes;
    Result<PartitionId> to = route(record);
    if (batch::kHeaderBytes + kept.bytes > lone_bytes_max_) to = too_large(kept.bytes);
    if (!to) {
      --used_records_;
      close_generation(kept.generation, 1);
      Deliver refused;
      refused.waiters.push_back(std::move(kept.waiter));
      refused.status = to.error();
      out.deliver.push_back(std::move(refused));
      continue;
    }
    const Borrowed borrowed(record, kept.waiter.time);
    PartitionQueue& p = partitions_[static_cast<size_t>(to->v)];
    const PartitionQueue::Grown grown = p.append(borrowed.get(), std::move(kept.waiter), kept.generation, now, limits_);
    p.gathering.back().opened = std::min(p.gathering.back().opened, kept.since);
    used_bytes_ += grown.bytes;
    const bool rolled = grown.batch == PartitionQueue::Grown::Batch::kRolled;
    if (rolled && static_cast<size_t>(to->v) == sticky_) ++sticky_ %= partitions_.size();
  }
  kept_.clear();
}

void ProducerCore::fail_kept(const Status& why, Actions& out) {
  Deliver failed;
  failed.status = why;
  for (Waiting& kept : kept_) {
    used_bytes_ -= kept.bytes;
    --used_records_;
    close_generation(kept.generation, 1);
    failed.waiters.push_back(std::move(kept.waiter));
  }
  kept_.clear();
  if (!failed.waiters.empty()) out.deliver.push_back(std::move(failed));
}

void ProducerCore::on(const MetadataArrived& e, Instant now, Actions& out) {
  ION_ASSERT(e.partitions.size() <= kPartitionsMax);
  metadata_ = {};
  learnt_at_ = now;
  learn(e.limits);
  if (e.topic_id != Uuid{} && topic_id_ != Uuid{} && e.topic_id != topic_id_) begin_again(e, out);
  if (e.topic_id != Uuid{}) topic_id_ = e.topic_id;
  if (stale_) {  // who answered does not know of the new topic yet
    metadata_.is = Question::Is::kLater;
    metadata_.at = now + limits_.backoff.first;
    arm(metadata_.at);
  }
  for (size_t i = partitions_.size(); i < e.partitions.size(); ++i) partitions_.emplace_back(PartitionId{static_cast<int32_t>(i)});
  for (const PartitionLeader& leader : e.partitions)
    if (PartitionQueue* p = partition(leader.partition)) p->leader = leader.address;
  if (partitions_.empty()) return;
  lone_bytes_max_ = broker_.record_bytes_max == 0 ? limits_.batch_bytes_max : std::min(broker_.batch(), batch::kHeaderBytes + broker_.record_bytes_max);
  sticky_ %= partitions_.size();
  route_kept(now, out);
  pump_all(now, out);
}

void ProducerCore::on(const MetadataFailed& e, Instant now, Actions& out) {
  // A topic that was made a moment ago may not be known everywhere: it is asked for twice.
  const bool again = worth_asking_again(e.failure, Repeat::kSafe) || (e.failure.status.code() == ION_E_NOT_FOUND && metadata_.failures == 0);
  if (!again) {
    metadata_ = {};
    learnt_at_ = now;
    fail_kept(e.failure.status, out);
    if (std::exchange(stale_, false))
      for (PartitionQueue& p : partitions_) fail_queue(p, e.failure.status, out);
    return;
  }
  ask_later(metadata_, e.failure, e.random, now);
}

void ProducerCore::on(const IdentityArrived& e, Instant now, Actions& out) {
  identify_ = {};
  identity_ = e;
  pump_all(now, out);
}

void ProducerCore::on(const IdentityFailed& e, Instant now, Actions& out) {
  if (worth_asking_again(e.failure, Repeat::kSafe)) return ask_later(identify_, e.failure, e.random, now);
  if (!waits_for_an_operator(e.failure.status)) return fail_everything(e.failure.status, out);
  identify_ = {};  // the next record asks again
  fail_kept(e.failure.status, out);
  for (PartitionQueue& p : partitions_)
    if (p.session.is != Session::Is::kWell && p.in_flight.empty()) fail_queue(p, e.failure.status, out);
}

void ProducerCore::on(const LinkUp& e, Instant now, Actions& out) {
  LinkState& l = link(e.link);
  ION_ASSERT(l.in_flight_bytes == 0);
  l.is = LinkState::Is::kUp;
  pump_all(now, out);
}

void ProducerCore::on(const LinkDown& e, Instant now, Actions& out) {
  LinkState& l = link(e.link);
  for (PartitionQueue& p : partitions_) {
    for (InFlight& batch : p.in_flight)
      if (batch.is == InFlight::Is::kSent && batch.link == &l) leave_link(batch);
    if (p.leader == e.link.address && !(p.gathering.empty() && p.idle())) p.last_cause = e.cause.status;
  }
  ION_ASSERT(l.in_flight_bytes == 0);
  for (const PartitionId id : l.blocked) partition(id)->blocked = false;
  l.blocked.clear();
  l.window = {};
  l.is = LinkState::Is::kUnwanted;
  l.open_at = now + backoff(kLinkBackoff, l.failures++, e.random, e.cause.retry_after);
  if (!worth_asking_again(e.cause, Repeat::kSafe)) {
    for (PartitionQueue& p : partitions_)
      if (p.leader == e.link.address) fail_queue(p, e.cause.status, out, Sent::kUnknown);
  }
  if (used_records_ == 0) return;
  want_metadata(out);
  arm(l.open_at);
  pump_all(now, out);
}

void ProducerCore::on(const FlushAsked&, Instant now, Actions& out) {
  ++generation_;
  pump_all(now, out);
}

void ProducerCore::on(const Closed& e, Instant, Actions& out) {
  ION_ASSERT(!e.why.ok());
  fail_everything(e.why, out);
}

void ProducerCore::want_metadata(Actions& out) {
  if (metadata_.is != Question::Is::kQuiet) return;
  metadata_.is = Question::Is::kAsked;
  out.fetch_metadata = true;
}

void ProducerCore::want_identity(Actions& out) {
  if (identify_.is != Question::Is::kQuiet) return;
  identify_.is = Question::Is::kAsked;
  out.fetch_identity = true;
}

void ProducerCore::ask_later(Question& question, const Failure& failure, uint64_t random, Instant now) {
  question.is = Question::Is::kLater;
  question.at = now + backoff(limits_.backoff, question.failures++, random, failure.retry_after);
  question.last = failure.status;
  arm(question.at);
}

LinkState& ProducerCore::link(const LinkId& id) {
  const auto [at, made] = links_.try_emplace(id);
  if (made) at->second.id = id;
  return at->second;
}

PartitionQueue* ProducerCore::partition(PartitionId id) {
  if (id.v < 0 || static_cast<size_t>(id.v) >= partitions_.size()) return nullptr;
  return &partitions_[static_cast<size_t>(id.v)];
}

}  // namespace ion::client
