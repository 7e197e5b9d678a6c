// ProduceStream: batches in, acks out, pipelined. Reading goes on while batches are in flight, up to a window; acks gather while a
// message is being written and leave together. Order and window: core/ack_lanes.h.
#include "core/ack_lanes.h"
#include "core/request_limits.h"
#include "io/produce_op.h"
#include "io/verbs/verb_file.h"

#include <memory>
#include <optional>
#include <vector>

namespace ion::transport_grpc {
namespace {

class ProduceStream final : public CallHandler {
 public:
  ProduceStream(GrpcCall& call, Services& services)
      : call_(call), services_(services), lanes_({services.config.stream_inflight_messages, services.config.stream_inflight_bytes}) {}
  ~ProduceStream() override { services_.produced_bytes.fetch_sub(counted_bytes_, std::memory_order_relaxed); }

  void accepted() override { call_.read(); }
  void message(Message request) override;
  void half_closed() override {
    no_more_ = true;
    go_on();
  }
  void writable() override { go_on(); }
  void draining() override {
    no_more_ = true;
    end_ = CallEnd::of(Status(ION_E_CLOSED, "this broker is draining; what was sent is answered, nothing more is taken", "DRAINING"));
    go_on();
  }
  // In-flight batches end quietly: their ops live in here, and each holds the call.
  void closed() override {}

 private:
  class One final : public ProduceOp {
   public:
    explicit One(ProduceStream& stream) : stream_(stream) {}
    AckLanes::Ticket ticket = 0;
    void run() noexcept override { stream_.settle(ticket, take_ack()); }

   private:
    ProduceStream& stream_;
  };

  void refuse(const ProduceEnvelope& envelope, Failure failure);
  void send(const ProduceEnvelope& envelope, PlannedBatch batch);
  void settle(AckLanes::Ticket ticket, Ack ack);
  void go_on();
  void count_bytes();
  bool may_read() const;

  GrpcCall& call_;
  Services& services_;
  AckLanes lanes_;
  uint64_t counted_bytes_ = 0;  // of ours in services_.produced_bytes
  std::vector<std::unique_ptr<One>> ops_;  // by ticket; used again and again
  std::string topic_;                      // of the message before
  bool no_more_ = false;                   // the client has ended, or we have
  CallEnd end_;
};

void ProduceStream::message(Message request) {
  Result<ProduceEnvelope> read = read_produce(request.parts());
  if (!read) {  // nobody knows what else the bytes mean; batches in flight are answered first
    no_more_ = true;
    end_ = CallEnd::of(read.error());
    return go_on();
  }
  const ProduceEnvelope& envelope = *read;
  if (!envelope.topic.empty()) topic_ = envelope.topic;
  ProducePlan plan = plan_produce(services_, {envelope, topic_, call_.who()}, std::move(request));
  if (plan.refused) refuse(envelope, *std::move(plan.refused));
  for (PlannedBatch& batch : plan.batches) send(envelope, std::move(batch));
  go_on();
}

// The ack of a request that never became a batch stands in its partition's line like any other.
void ProduceStream::refuse(const ProduceEnvelope& envelope, Failure failure) {
  Ack ack;
  ack.correlation = envelope.correlation, ack.partition = envelope.partition.value_or(0);
  ack.error = std::move(failure.on(topic_, ack.partition));
  const AckLanes::Ticket ticket = lanes_.enter(topic_, ack.partition, 0).ticket;
  lanes_.settle(ticket, std::move(ack));
}

void ProduceStream::send(const ProduceEnvelope& envelope, PlannedBatch batch) {
  const AckLanes::Entered entered = lanes_.enter(topic_, batch.partition, batch.payload.held_bytes());
  count_bytes();
  while (ops_.size() <= entered.ticket) ops_.push_back(std::make_unique<One>(*this));
  One& op = *ops_[entered.ticket];
  op.ticket = entered.ticket;
  op.send(call_, *services_.api, *entered.topic, envelope, std::move(batch));
}

void ProduceStream::settle(AckLanes::Ticket ticket, Ack ack) {
  lanes_.settle(ticket, std::move(ack));
  go_on();
}

void ProduceStream::count_bytes() {
  const uint64_t held = lanes_.held_bytes();
  services_.produced_bytes.fetch_add(held - counted_bytes_, std::memory_order_relaxed);  // also of less: the sum is modulo 2^64
  counted_bytes_ = held;
}

// A read that is posted lets gRPC take the whole next message. So with half of the memory in use a stream has one batch in flight and no
// more; its ack brings it back here.
bool ProduceStream::may_read() const {
  if (!lanes_.open()) return false;
  return lanes_.empty() || services_.produced_bytes.load(std::memory_order_relaxed) < services_.config.memory_bytes_max / 2;
}

void ProduceStream::go_on() {
  count_bytes();
  if (!call_.is_open()) return;
  if (call_.can_write() && lanes_.has_acks()) {
    OutMessage response;
    (void)lanes_.take(response.head, kAcksPerMessageMax);
    count_bytes();
    call_.write(std::move(response));
  }
  if (no_more_) {
    if (lanes_.empty()) call_.finish(end_);
  } else if (may_read()) {
    call_.read();
  }
}

}  // namespace

std::span<const RpcRow> rpcs_in_produce_stream() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Broker/ProduceStream",
       .label = "produce_stream",
       .asks = kVerbs<Verb::produce, Verb::partition_of>,
       .kind = RpcRow::Kind::kStream,
       .request_bytes_max = 0,
       .make = make_call<ProduceStream>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
