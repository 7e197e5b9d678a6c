#include "io/handler_factory.h"

#include "io/rpc_handler.h"

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

}  // namespace

std::unique_ptr<CallHandler> make_handler(GrpcCall& call, Services& services, const RpcRow* row, CallRegistry::Admission admission) {
  const bool draining = admission == CallRegistry::Admission::kDraining;
  if (draining && (row == nullptr || row->drain == RpcRow::Drain::kRefused))
    return refuse(call, {ION_E_CLOSED, "this broker is draining and takes no new calls", "DRAINING"});
  if (admission == CallRegistry::Admission::kOverloaded)
    return refuse(call, {ION_E_OVERLOADED, "this broker serves " + std::to_string(services.reloadable.calls_max.load()) + " calls, which is the most", "CALLS_MAX"});
  if (row != nullptr) return row->make(call, services, draining ? Listening::kDraining : Listening::kOpen);
  if (std::unique_ptr<CallHandler> handler = make_rpc_handler(call, services)) return handler;
  return refuse(call, {ION_E_UNSUPPORTED, "no method " + call.method().substr(0, 256) + " is served here; reflection lists what is"});
}

}  // namespace ion::transport_grpc
