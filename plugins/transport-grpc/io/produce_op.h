// One batch on its way through the broker API, and what became of it as an ack. Base of the unary and the streamed handler's ops.
// Thread: the call's strand, except for the completion, which only posts.
#pragma once
#include "io/api_op.h"
#include "io/produce_plan.h"

#include <ion/contract/broker_api.h>

#include <string>

namespace ion::transport_grpc {

class ProduceOp : public ApiOp {
 public:
  // `topic` stays until the answer.
  void send(GrpcCall& call, BrokerApi& api, const std::string& topic, const ProduceEnvelope& envelope, PlannedBatch batch) {
    batch_ = std::move(batch);
    topic_ = &topic, topic_id_ = envelope.topic_id, correlation_ = envelope.correlation;
    static_assert(static_cast<uint32_t>(Acks::kNone) == ION_ACKS_NONE && static_cast<uint32_t>(Acks::kLeader) == ION_ACKS_LEADER &&
                  static_cast<uint32_t>(Acks::kAll) == ION_ACKS_ALL);
    request_ = {sizeof request_, static_cast<uint32_t>(envelope.acks), &call.who(), bytes_of(topic), batch_.partition,
                static_cast<uint32_t>(batch_.parts.size()), batch_.parts.data(), bytes_of(topic_id_), &ProduceOp::outcome, this};
    not_stored_.clear();
    answer_ = {};
    answer_.size = sizeof answer_, answer_.append_time_ms = -1, answer_.error = &error;
    ask(call, 0, [&](Op& op) { return api.produce(op, request_, answer_); });
  }

 protected:
  // After the answer; lets the batch go.
  Ack take_ack() {
    taken();
    batch_.payload.reset();
    Ack ack;
    ack.correlation = correlation_, ack.partition = batch_.partition;
    if (!ok()) {
      ack.error = failure();
      ack.error->on(*topic_, batch_.partition);
      ack.not_stored = std::move(not_stored_);
      return ack;
    }
    ack.base_offset = answer_.base, ack.next_offset = answer_.next;
    if (answer_.append_time_ms >= 0) ack.append_time_ms = answer_.append_time_ms;
    ack.log_id = answer_.log_id, ack.log_start = answer_.log_start, ack.high_watermark = answer_.high_watermark;
    ack.duplicate = (answer_.flags & ION_PRODUCE_DUPLICATE) != 0;
    ack.dropped = (answer_.flags & ION_PRODUCE_DROPPED) != 0;
    ack.not_stored = std::move(not_stored_);
    ack.routed_topic = answer_.routed_topic, ack.routed_partition = answer_.routed_partition;
    return ack;
  }

 private:
  static void outcome(void* ctx, const ion_record_outcome* o) noexcept {
    auto& self = *static_cast<ProduceOp*>(ctx);
    RecordOutcome& to = self.not_stored_.emplace_back();
    to.index = self.batch_.place_in_request(o->index);
    if (o->code != ION_OK) to.error = Failure::of(Status(to_code(o->code), std::string(text_of(o->text)), "INTERCEPTOR"));
  }

  PlannedBatch batch_;
  std::vector<RecordOutcome> not_stored_;  // filled before the completion
  const std::string* topic_ = nullptr;
  std::string topic_id_;
  uint64_t correlation_ = 0;
  ion_produce_req request_{};
  ion_produce_answer answer_{};
};

}  // namespace ion::transport_grpc
