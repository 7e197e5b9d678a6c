// A call of one request and one answer. Derived handlers get request() once and end with answer(), reply() or fail().
// Thread: the call's strand.
#pragma once
#include "io/grpc_call.h"
#include "io/services.h"

#include <string>

namespace ion::transport_grpc {

class UnaryHandler : public CallHandler {
 public:
  UnaryHandler(GrpcCall& call, Services& services) : call_(call), services_(services) {}

  void accepted() override { call_.read(); }
  void message(Message request) final {
    seen_ = true;
    this->request(std::move(request));
  }
  void half_closed() override {
    if (!seen_) call_.fail(Failure::of(Status(ION_E_INVALID, "want one request message, have none", "MALFORMED_MESSAGE")));
  }
  void writable() override {}
  void closed() override {}

 protected:
  virtual void request(Message message) = 0;
  void reply(std::string encoded) { call_.answer({std::move(encoded), {}}); }

  GrpcCall& call_;
  Services& services_;

 private:
  bool seen_ = false;
};

}  // namespace ion::transport_grpc
