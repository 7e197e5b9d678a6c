// InitProducer.
#include "io/api_op.h"
#include "io/verbs/verb_file.h"

#include <ionstream/v1/broker.pb.h>

namespace ion::transport_grpc {
namespace {

class InitProducerHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message) override {  // the request has no fields
    request_ = {sizeof request_, 0, &call_.who()};
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->init_producer(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    ionstream::v1::InitProducerResponse response;
    response.set_producer_id(answer_.producer_id);
    response.set_producer_epoch(answer_.epoch);
    reply(response.SerializeAsString());
  }

  ion_producer_req request_{};
  ion_producer_answer answer_{};
  ApiCall<InitProducerHandler, &InitProducerHandler::answered> op_{*this};
};

}  // namespace

std::span<const RpcRow> rpcs_in_producers() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Broker/InitProducer", .label = "init_producer", .asks = kVerbs<Verb::init_producer>, .make = make_call<InitProducerHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
