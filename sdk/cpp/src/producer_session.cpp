#include "producer_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/wire.h"
#include "grpc_glue.h"
#include "produce_codec.h"
#include "runtime.h"

namespace ion::client {

using namespace produce;

namespace {
ProducerLimits limits_of(const ProducerOptions& o, const ClientOptions& client) {
  ProducerLimits l;
  l.linger = o.linger;
  l.batch_bytes_max = o.batch_bytes_max;
  l.batch_bytes_ready = std::min(o.batch_bytes_ready, o.batch_bytes_max);
  l.memory_bytes_max = o.memory_bytes_max, l.memory_records_max = o.memory_records_max;
  l.delivery_timeout = o.delivery_timeout;
  l.request_timeout = client.request_timeout;
  l.codec = static_cast<codecs::Codec>(o.compression);
  l.no_space = o.no_space;
  l.codec_level = o.compression_level.value_or(codecs::kDefaultLevel);
  using Promise = ProducerLimits::Promise;
  l.promise = o.acks == Acks::kAll ? Promise::kIdempotent : o.acks == Acks::kLeader ? Promise::kPlain : Promise::kUnanswered;
  return l;
}
constexpr std::chrono::seconds kCallbacksMax{10};

std::chrono::steady_clock::time_point time_point(Instant at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(static_cast<int64_t>(at.ns)));
}
}  // namespace

// One produce stream of this topic.
class ProducerSession::Link final : public StreamCall::Owner {
 public:
  Link(std::weak_ptr<ProducerSession> session, LinkId id) : session_(std::move(session)), id_(std::move(id)) {}

  void opened() override {
    if (const auto s = session_.lock()) s->step(LinkUp{id_});
  }
  void received(const grpc::ByteBuffer& message) override {
    const auto s = session_.lock();
    if (!s) return;
    Result<std::vector<Ack>> acks = codec::decode_acks(text_of_buffer(message));
    if (acks) s->step(Acked{*std::move(acks), s->driver_->random()});
    else s->reset({id_});
  }
  void written(uint64_t cookie) override {
    const auto s = session_.lock();
    if (!s || s->limits_.promise != ProducerLimits::Promise::kUnanswered) return;
    PartitionId partition;
    {
      const std::lock_guard lock(s->mutex_);
      partition = unanswered_.at(cookie);
      unanswered_.erase(cookie);
    }
    s->step(Written{partition, cookie});
  }
  void closed(Failure why) override {
    if (const auto s = session_.lock()) s->link_down(id_, std::move(why));
  }

  std::map<uint64_t, PartitionId> unanswered_;  // by correlation; guarded by the session, bounded by what is in flight

 private:
  const std::weak_ptr<ProducerSession> session_;
  const LinkId id_;
};

ProducerSession::ProducerSession(Runtime& runtime, std::string topic, const ProducerOptions& options)
    : runtime_(runtime),
      driver_(runtime.driver()),
      topic_(std::move(topic)),
      options_(options),
      valid_(options.check()),
      limits_(limits_of(options, runtime.options())),
      core_(topic_, limits_, driver_->random()) {}

ProducerSession::~ProducerSession() = default;

Status ProducerSession::send(const Record& record, OnDelivered done) {
  ION_CHECK(valid_);
  const Instant now = Driver::now();
  Chores chores;
  Status taken;
  {
    std::unique_lock lock(mutex_);
    taken = core_.append(record, done, now, wall_.at(now), scratch_);
    if (taken.code() == ION_E_OVERLOADED && options_.on_full == OnFull::kBlock) {
      ++blocked_;
      const auto end = time_point(now + options_.delivery_timeout);
      while (taken.code() == ION_E_OVERLOADED && changed_.wait_until(lock, end) == std::cv_status::no_timeout) {
        const Instant later = Driver::now();
        taken = core_.append(record, done, later, wall_.at(later), scratch_);
      }
      --blocked_;
    }
    driver_->wake_by(core_.wake_at());
    if (scratch_.empty()) return taken;
    chores = take(std::exchange(scratch_, {}));
  }
  obey(std::move(chores));
  return taken;
}

void ProducerSession::step(const Event& event) {
  Chores chores;
  {
    const std::lock_guard lock(mutex_);
    chores = take(core_.step(event, Driver::now()));
    driver_->wake_by(core_.wake_at());
  }
  obey(std::move(chores));
}

// Messages enter their stream here, under the lock, so that their order is the core's.
ProducerSession::Chores ProducerSession::take(Actions actions) {
  Chores chores;
  for (const Send& s : actions.sends) {
    const auto at = links_.find(s.link);
    if (at == links_.end()) continue;  // just lost: LinkDown is on its way
    if (limits_.promise == ProducerLimits::Promise::kUnanswered) at->second.link->unanswered_[s.correlation] = s.partition;
    const std::string head = wire::produce_head({topic_, s.partition, limits_.promise, s.correlation, core_.topic_id()}, s.bytes->size());
    const std::shared_ptr<StreamCall>& call = at->second.call;
    call->enqueue(buffer_of(head, s.bytes), s.correlation);
    if (std::find(chores.to_flush.begin(), chores.to_flush.end(), call) == chores.to_flush.end()) chores.to_flush.push_back(call);
  }
  for (const Deliver& d : actions.deliver) {
    (d.status.ok() ? counts_.records : counts_.errors) += d.waiters.size();
    counts_.batches += d.status.ok() ? 1 : 0;
    counts_.bytes += d.status.ok() ? d.bytes : 0;
  }
  if (!actions.deliver.empty()) ++deliver_begun_;
  chores.deliver = std::move(actions.deliver);
  chores.open = std::move(actions.open_links);
  chores.reset = std::move(actions.reset_links);
  chores.recreated = std::move(actions.recreated);
  chores.metadata = actions.fetch_metadata, chores.identity = actions.fetch_identity;
  return chores;
}

void ProducerSession::obey(Chores chores) {
  for (const auto& call : chores.to_flush) call->flush();
  for (const LinkId& link : chores.open) open(link);
  if (!chores.reset.empty()) reset(chores.reset);
  if (chores.metadata) fetch_metadata();
  if (chores.identity) fetch_identity();
  if (!chores.recreated.empty()) runtime_.tell({ClientEvent::What::kRecreated, topic_, std::move(chores.recreated)});
  if (chores.deliver.empty()) return;
  for (Deliver& d : chores.deliver) call_back(d);
  std::shared_ptr<Runtime> forget;
  {
    const std::lock_guard lock(mutex_);
    ++deliver_done_;
    if (blocked_ > 0 || waiting_ > 0) changed_.notify_all();
    if (let_go_ && core_.records() == 0) forget = std::exchange(let_go_, std::nullopt)->lock();
  }
  if (forget) forget->forget_own(this);
}

bool ProducerSession::let_go(std::weak_ptr<Runtime> runtime) {
  const std::lock_guard lock(mutex_);
  if (core_.records() == 0) return true;
  let_go_ = std::move(runtime);
  return false;
}

void ProducerSession::reset(const std::vector<LinkId>& links) {
  const std::lock_guard lock(mutex_);
  for (const LinkId& link : links)
    if (const auto at = links_.find(link); at != links_.end()) at->second.call->cancel();
}

void ProducerSession::open(const LinkId& id) {
  const auto link = std::make_shared<Link>(weak_from_this(), id);
  // The lock is held over the start, so that opened() on the other thread finds the link in the map.
  std::unique_lock lock(mutex_);
  const auto call = StreamCall::start(driver_, runtime_.target(id, "/ionstream.v1.Broker/ProduceStream"), link);
  if (call) links_[id] = {link, call};
}

void ProducerSession::link_down(const LinkId& id, Failure why) {
  {
    const std::lock_guard lock(mutex_);
    links_.erase(id);
    changed_.notify_all();
  }
  step(LinkDown{id, std::move(why), driver_->random()});
}

void ProducerSession::fetch_metadata() {
  runtime_.find_leaders(topic_, [weak = weak_from_this()](Runtime::Leaders found) {
    const auto self = weak.lock();
    if (!self) return;
    if (!found.failure.status.ok()) return self->step(MetadataFailed{std::move(found.failure), self->driver_->random()});
    MetadataArrived arrived;
    for (MetadataCache::Leader& l : found.leaders) arrived.partitions.push_back({l.partition, std::move(l.address)});
    arrived.topic_id = found.topic_id, arrived.limits = found.limits;
    self->step(arrived);
  });
}

void ProducerSession::fetch_identity() {
  runtime_.ask({"/ionstream.v1.Broker/InitProducer", {}, runtime_.options().request_timeout}, [weak = weak_from_this()](Reply reply) {
    const auto self = weak.lock();
    if (!self) return;
    if (!reply.failure.status.ok()) return self->step(IdentityFailed{std::move(reply.failure), self->driver_->random()});
    const Result<IdentityArrived> identity = codec::decode_identity(reply.bytes);
    if (identity) return self->step(*identity);
    self->step(IdentityFailed{{identity.error(), false, {}, {}}, self->driver_->random()});
  });
}

Instant ProducerSession::wake_at() {
  const std::lock_guard lock(mutex_);
  return core_.wake_at();
}

void ProducerSession::tick(Instant) { step(Tick{}); }

Status ProducerSession::flush(Nanos timeout) {
  const auto end = time_point(Driver::now() + timeout);
  step(FlushAsked{});
  std::unique_lock lock(mutex_);
  const uint64_t generation = core_.generation();
  ++waiting_;
  bool done = changed_.wait_until(lock, end, [&] { return core_.flushed(generation); });
  const uint64_t rounds = deliver_begun_;
  done = done && changed_.wait_until(lock, end, [&] { return deliver_done_ >= rounds; });
  --waiting_;
  if (done) return {};
  return {ION_E_DEADLINE, fmt::format("{}: {} records are not delivered after {} ms", topic_, core_.records(), timeout.n / 1'000'000), std::string(kTimedOut)};
}

Status ProducerSession::close(Nanos timeout) {
  const Instant end = Driver::now() + timeout;
  Status flushed = flush(timeout);
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  step(Closed{Status(ION_E_CLOSED, topic_ + ": the producer is closed")});
  {
    std::unique_lock lock(mutex_);
    changed_.notify_all();
    // Callbacks that are running on the driver's thread end before we do, so that what they refer to may go.
    ++waiting_;
    if (!driver_->here()) changed_.wait_for(lock, kCallbacksMax, [&] { return deliver_done_ == deliver_begun_; });
    --waiting_;
  }
  if (flushed.ok() && limits_.promise == ProducerLimits::Promise::kUnanswered) let_streams_end(end);
  end_streams();
  return flushed;
}

// What was written and is not answered may still lie on this side: cancelling a stream would throw it away. The broker ends a stream
// when it has read all of it.
void ProducerSession::let_streams_end(Instant end) {
  if (driver_->here()) return;
  std::vector<std::shared_ptr<StreamCall>> calls;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, open] : links_) calls.push_back(open.call);
  }
  for (const auto& call : calls) call->half_close();
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, time_point(end), [this] { return links_.empty(); });
}

void ProducerSession::end_streams() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, open] : links_) open.call->cancel();
}

void ProducerSession::abandon() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  step(Closed{Status(ION_E_CANCELLED, topic_ + ": the client went before this was delivered")});
  end_streams();
}

bool ProducerSession::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

ProducerCounts ProducerSession::counts() const {
  const std::lock_guard lock(mutex_);
  ProducerCounts out = counts_;
  out.retries = core_.retries();
  return out;
}

}  // namespace ion::client
