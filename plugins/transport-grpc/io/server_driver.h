// One of gRPC's two server APIs behind one face. prepare() before the server is built, start() after, stop() once the server has
// been shut down: it joins the driver's threads. Control thread; not on one of its own threads.
#pragma once
#include "io/call_port.h"
#include "io/slice_adopter.h"

#include <memory>

namespace grpc {
class ServerBuilder;
}

namespace ion::transport_grpc {

// Takes calls in, on a driver's thread. A driver that posts calls ahead says how many such lines are open: a queue may only be
// shut down when no call can come out of it any more.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void accept(std::unique_ptr<CallPort> port, CallFacts facts) = 0;
  virtual void line_opened() = 0;
  virtual void line_closed() = 0;
};

class ServerDriver {
 public:
  virtual ~ServerDriver() = default;
  virtual void prepare(grpc::ServerBuilder& builder) = 0;
  virtual void start() = 0;
  virtual void stop() = 0;
};

// What both drivers know.
struct DriverServices {
  CallSink& sink;
  TransportMetrics& metrics;
  ReceiveRules rules;
};

}  // namespace ion::transport_grpc
