// gRPC's side of every call, on its callback API: gRPC brings the threads and calls in. Each call that arrives becomes a port and is
// handed to the sink.
#pragma once
#include "io/call_port.h"
#include "io/slice_adopter.h"

#include <grpcpp/generic/async_generic_service.h>

#include <memory>

namespace ion::transport_grpc {

// Takes calls in, on a thread of gRPC's, any number at once.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void accept(std::unique_ptr<CallPort> port, CallFacts facts) = 0;
};

// Registered with one server, which it outlives. Once that server was shut down no call comes any more and every port is gone.
class CallService final : public grpc::CallbackGenericService {
 public:
  CallService(CallSink& sink, TransportMetrics& metrics, ReceiveRules rules) : sink_(sink), metrics_(metrics), rules_(rules) {}

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

  CallSink& sink_;
  TransportMetrics& metrics_;
  const ReceiveRules rules_;
};

}  // namespace ion::transport_grpc
