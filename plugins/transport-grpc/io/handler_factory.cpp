#include "io/handler_factory.h"

#include "io/admin_handlers.h"
#include "io/fetch_handler.h"
#include "io/health_handler.h"
#include "io/produce_handler.h"
#include "io/produce_stream.h"
#include "io/reflection_handler.h"
#include "io/rpc_handler.h"
#include "io/subscribe_stream.h"

namespace ion::transport_grpc {
namespace {

class RefusingHandler final : public CallHandler {
 public:
  RefusingHandler(GrpcCall& call, Status why) : call_(call), why_(std::move(why)) {}
  void accepted() override { call_.fail(Failure::of(why_)); }
  void message(Message) override {}
  void half_closed() override {}
  void writable() override {}
  void closed() override {}

 private:
  GrpcCall& call_;
  const Status why_;
};

std::unique_ptr<CallHandler> refuse(GrpcCall& call, Status why) { return std::make_unique<RefusingHandler>(call, std::move(why)); }

std::unique_ptr<CallHandler> own_handler(Rpc rpc, GrpcCall& call, Services& services, bool draining) {
  switch (rpc) {
    case Rpc::kProduce: return make_produce_handler(call, services);
    case Rpc::kProduceStream: return make_produce_stream(call, services);
    case Rpc::kFetch: return make_fetch_handler(call, services);
    case Rpc::kSubscribe: return std::make_unique<SubscribeStream>(call, services);
    case Rpc::kCredit: return make_credit_handler(call, services);
    case Rpc::kListOffsets: return make_offsets_handler(call, services);
    case Rpc::kMetadata: return make_metadata_handler(call, services);
    case Rpc::kHealthCheck:
    case Rpc::kHealthWatch: return make_health_handler(rpc, call, services, draining);
    case Rpc::kReflection: return make_reflection_handler(call, services);
    default: return make_admin_handler(rpc, call, services);
  }
}

}  // namespace

std::unique_ptr<CallHandler> make_handler(GrpcCall& call, Services& services, CallRegistry::Admission admission) {
  const RpcRow* row = find_rpc(call.method());
  const bool health = row != nullptr && (row->rpc == Rpc::kHealthCheck || row->rpc == Rpc::kHealthWatch);
  const bool draining = admission == CallRegistry::Admission::kDraining;
  if (draining && !health) return refuse(call, {ION_E_CLOSED, "this broker is draining and takes no new calls", "DRAINING"});
  if (admission == CallRegistry::Admission::kOverloaded)
    return refuse(call, {ION_E_OVERLOADED, "this broker serves " + std::to_string(services.config.calls_max) + " calls, which is the most", "CALLS_MAX"});
  std::unique_ptr<CallHandler> handler =
      row != nullptr ? own_handler(row->rpc, call, services, draining) : make_rpc_handler(call, services);
  if (handler != nullptr) return handler;
  return refuse(call, {ION_E_UNSUPPORTED, "no method " + call.method().substr(0, 256) + " is served here; reflection lists what is"});
}

size_t verb_of(std::string_view method) {
  const RpcRow* row = find_rpc(method);
  return row == nullptr ? TransportMetrics::kPluginVerb : static_cast<size_t>(row->rpc);
}

}  // namespace ion::transport_grpc
