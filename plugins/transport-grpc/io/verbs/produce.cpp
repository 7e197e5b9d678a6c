// Produce, the unary call: one request, one ack per partition that its messages went to.
#include "io/produce_op.h"
#include "io/verbs/verb_file.h"

#include <deque>

namespace ion::transport_grpc {
namespace {

class ProduceHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  class One final : public ProduceOp {
   public:
    explicit One(ProduceHandler& handler) : handler_(handler) {}
    void run() noexcept override { handler_.answered(take_ack()); }

   private:
    ProduceHandler& handler_;
  };

  void request(Message message) override {
    Result<ProduceEnvelope> envelope = read_produce(message.parts());
    if (!envelope) return call_.fail(Failure::of(envelope.error()));
    envelope_ = *std::move(envelope);
    ProducePlan plan = plan_produce(services_, {envelope_, envelope_.topic, call_.who()}, std::move(message));
    if (plan.refused) return call_.fail(plan.refused->on(envelope_.topic, envelope_.partition.value_or(0)));
    left_ = plan.batches.size();
    for (PlannedBatch& batch : plan.batches)
      ops_.emplace_back(*this).send(call_, *services_.api, envelope_.topic, envelope_, std::move(batch));
  }

  void answered(Ack ack) {
    const bool failed = ack.error.has_value();
    if (failed) failure_ = named(ack);
    else ++succeeded_;
    write_ack(response_, ack);
    if (--left_ != 0) return;
    // With several partitions each ack says its own; when nothing succeeded the status says it too.
    if (succeeded_ == 0) return call_.fail(*failure_);
    reply(std::move(response_));
  }

  // The status of a call has no place for the record that was rejected but its words.
  static std::optional<Failure> named(const Ack& ack) {
    Failure failure = *ack.error;
    if (!ack.not_stored.empty()) failure.detail = "record " + std::to_string(ack.not_stored.front().index) + ": " + failure.detail;
    return failure;
  }

  ProduceEnvelope envelope_;
  std::deque<One> ops_;
  size_t left_ = 0, succeeded_ = 0;
  std::optional<Failure> failure_;
  std::string response_;
};

}  // namespace

std::span<const RpcRow> rpcs_in_produce() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Broker/Produce",
       .label = "produce",
       .asks = kVerbs<Verb::produce, Verb::partition_of>,
       .request_bytes_max = 0,
       .make = make_call<ProduceHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
