#include "sim/sim_producer.h"

#include <fmt/format.h>
#include <ion/record_batch.h>

namespace ion::sim {

using namespace client::produce;
using client::Failure;
using client::LinkId;

namespace {
constexpr std::string_view kAddress = "sim:1";

client::ProducerLimits limits_of(SeededRandom& random) {
  client::ProducerLimits limits;
  limits.linger = milliseconds(static_cast<int64_t>(random.below(6)));
  limits.batch_bytes_max = 32 << 10, limits.batch_bytes_ready = 8 << 10;
  return limits;
}
Failure lost_connection() { return {Status(ION_E_CLOSED, "the connection broke", std::string(client::kUnreachable)), true, {}, {}, Failure::Outcome::kUnknown}; }

// As a transport says it.
Failure failure_of(const Status& status, const ion_error_info& error) {
  Failure failure;
  failure.status = Status(status.code(), status.message(), error.reason[0] != 0 ? std::string(error.reason) : status.reason());
  failure.retriable = client::is_retriable(status.code(), client::Repeat::kSafe);
  failure.retry_after = {static_cast<int64_t>(error.retry_after_ns)};
  if (status.code() == ION_E_UNKNOWN_OUTCOME || status.code() == ION_E_DEADLINE) failure.outcome = Failure::Outcome::kUnknown;
  return failure;
}
}  // namespace

SimProducer::SimProducer(Stage& stage, SimBroker& broker, History& history, uint32_t number, std::string topic)
    : stage_(stage), broker_(broker), history_(history), number_(number), topic_(std::move(topic)), core_(topic_, limits_of(stage.clients), stage.clients.u64()) {}

void SimProducer::later(Nanos wait, std::function<void(SimProducer&)> what) {
  stage_.agenda.after(wait, [weak = weak_from_this(), what = std::move(what)] {
    if (const auto self = weak.lock()) what(*self);
  });
}

void SimProducer::send(size_t bytes, std::optional<int32_t> partition) {
  const RecordName name{number_, records_++};
  const std::string value = value_of(name, bytes);
  client::Record record;
  record.value = value;
  if (partition) record.partition = PartitionId{*partition};
  client::OnDelivered done = [this, name](const Result<client::Receipt>& receipt) {
    if (!receipt) {
      last_failure_ = receipt.error();
      return stage_.say(fmt::format("{} failed: {}", name.text(), receipt.error().text()));
    }
    ++delivered_;
    stage_.say(fmt::format("{} is acknowledged at {}/{}@{}", name.text(), topic_, receipt->partition.v, receipt->offset.v));
    history_.acknowledged(receipt->log.v, receipt->offset.v, name);
  };
  const Status taken = core_.append(record, done, stage_.now(), stage_.time.clock().wall(), scratch_);
  if (!taken.ok()) --records_, stage_.say(fmt::format("{} is not taken: {}", name.text(), taken.text()));
  obey(std::exchange(scratch_, {}));
  arm();
}

void SimProducer::step(const Event& event) {
  obey(core_.step(event, stage_.now()));
  arm();
}

void SimProducer::arm() {
  const Instant at = core_.wake_at();
  if (at == client::ProducerCore::kNever || at >= armed_for_) return;
  armed_for_ = at;
  const Nanos wait = at > stage_.now() ? at - stage_.now() : Nanos{};
  later(wait, [at](SimProducer& self) {
    if (self.armed_for_ == at) self.armed_for_ = Instant{UINT64_MAX};
    self.step(Tick{});
  });
}

void SimProducer::obey(Actions actions) {
  for (const Send& send : actions.sends) transmit(send);
  for (const LinkId& link : actions.open_links) open(link);
  for (const LinkId& link : actions.reset_links) lose(link);
  if (actions.fetch_metadata) ask_metadata();
  if (actions.fetch_identity) ask_identity();
  for (Deliver& deliver : actions.deliver) call_back(deliver);
}

// ---- connections

void SimProducer::open(const LinkId& link) {
  later(latency(), [link](SimProducer& self) {
    if (!self.broker_.is_up()) return self.step(LinkDown{link, lost_connection(), self.stage_.clients.u64()});
    Connection& connection = self.connections_[link];
    connection.up = true, ++connection.generation, connection.last_arrival = self.stage_.now();
    self.step(LinkUp{link});
  });
}

void SimProducer::lose(const LinkId& link) {
  Connection& connection = connections_[link];
  if (!connection.up) return;
  connection.up = false, ++connection.generation;
  later(latency(), [link](SimProducer& self) { self.step(LinkDown{link, lost_connection(), self.stage_.clients.u64()}); });
}

void SimProducer::lose_connections() {
  for (const auto& [link, connection] : connections_) lose(link);
}

void SimProducer::transmit(const Send& send) {
  Connection& connection = connections_[send.link];
  if (!connection.up) return;  // LinkDown is on its way
  connection.last_arrival = std::max(connection.last_arrival, stage_.now() + latency());
  later(connection.last_arrival - stage_.now(), [send, generation = connection.generation](SimProducer& self) {
    if (self.connections_[send.link].generation != generation || !self.broker_.is_up()) return;
    auto x = std::make_shared<Exchange<Verb::produce>>(self.topic_);
    x->bytes = send.bytes, x->part = borrowed(*send.bytes);
    const Uuid id = self.core_.topic_id();
    if (id != Uuid{}) x->topic_id.assign(id.bytes.begin(), id.bytes.end());
    x->request.acks = ION_ACKS_ALL, x->request.topic = bytes_of(x->topic), x->request.partition = send.partition.v;
    x->request.nparts = 1, x->request.parts = &x->part, x->request.topic_id = bytes_of(x->topic_id);
    x->answer.append_time_ms = -1;
    self.stage_.say(fmt::format("p{} asks {}: {}/{}, sequence {}, producer {}", self.number_, send.correlation, self.topic_, send.partition.v,
                                batch::read_header(send.bytes->data()).base_sequence, batch::read_header(send.bytes->data()).producer.v));
    self.broker_.send<Verb::produce>(
        x,
        [weak = self.weak_from_this(), x, send, generation] {
          if (const auto still = weak.lock()) still->answered(x, send, generation);
        },
        self.latency());
  });
}

void SimProducer::answered(const ExchangeOf<Verb::produce>& x, const Send& send, uint64_t generation) {
  if (connections_[send.link].generation != generation) return;
  if (!x->outcome.status.ok() || (x->answer.flags & ION_PRODUCE_DUPLICATE) != 0)
    stage_.say(fmt::format("p{} is answered {}: {}", number_, send.correlation, x->outcome.status.ok() ? "a duplicate" : x->outcome.status.text()));
  Ack ack;
  ack.correlation = send.correlation, ack.partition = send.partition;
  ack.base_offset = {x->answer.base}, ack.log = {x->answer.log_id};
  if (x->answer.append_time_ms >= 0) ack.append_time = WallMs{x->answer.append_time_ms};
  if (!x->outcome.status.ok()) ack.failure = failure_of(x->outcome.status, x->error);
  step(Acked{{ack}, stage_.clients.u64()});
}

// ---- questions

void SimProducer::ask_metadata() {
  later(latency(), [](SimProducer& self) {
    if (!self.broker_.is_up()) return self.step(MetadataFailed{lost_connection(), self.stage_.clients.u64()});
    auto x = std::make_shared<Exchange<Verb::metadata>>(self.topic_);
    auto found = std::make_shared<MetadataArrived>();
    x->request.name = bytes_of(x->topic), x->request.ctx = found.get();
    x->request.each_broker = [](void*, const ion_broker_info*) noexcept {};
    x->request.each = [](void* ctx, const ion_topic_info* topic) noexcept {
      auto& to = *static_cast<MetadataArrived*>(ctx);
      for (uint32_t i = 0; i < topic->npartitions; ++i)
        to.partitions.push_back({PartitionId{topic->partitions[i]->partition}, topic->partitions[i]->leader == 0 ? std::string() : std::string(kAddress)});
      std::copy(topic->uuid, topic->uuid + 16, to.topic_id.bytes.begin());
    };
    const uint64_t life = self.broker_.life();
    self.broker_.send<Verb::metadata>(
        x,
        [weak = self.weak_from_this(), x, found] {
          const auto still = weak.lock();
          if (!still) return;
          if (x->outcome.status.ok()) still->step(*found);
          else still->step(MetadataFailed{failure_of(x->outcome.status, x->error), still->stage_.clients.u64()});
        },
        self.latency());
    // Whose broker goes down before it answers hears of the broken connection.
    self.later(seconds(5), [life, x](SimProducer& still) {
      if (!x->done && still.broker_.life() != life) still.step(MetadataFailed{lost_connection(), still.stage_.clients.u64()});
    });
  });
}

void SimProducer::ask_identity() {
  later(latency(), [](SimProducer& self) {
    if (!self.broker_.is_up()) return self.step(IdentityFailed{lost_connection(), self.stage_.clients.u64()});
    auto x = std::make_shared<Exchange<Verb::init_producer>>();
    const uint64_t life = self.broker_.life();
    self.broker_.send<Verb::init_producer>(
        x,
        [weak = self.weak_from_this(), x] {
          const auto still = weak.lock();
          if (!still) return;
          if (x->outcome.status.ok()) still->step(IdentityArrived{{x->answer.producer_id}, {static_cast<int16_t>(x->answer.epoch)}});
          else still->step(IdentityFailed{failure_of(x->outcome.status, x->error), still->stage_.clients.u64()});
        },
        self.latency());
    self.later(seconds(5), [life, x](SimProducer& still) {
      if (!x->done && still.broker_.life() != life) still.step(IdentityFailed{lost_connection(), still.stage_.clients.u64()});
    });
  });
}

}  // namespace ion::sim
