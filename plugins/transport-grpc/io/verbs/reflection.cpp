#include "io/reflection_handler.h"

#include "io/reflection_codec.h"

namespace ion::transport_grpc {
namespace {

class ReflectionHandler final : public CallHandler {
 public:
  ReflectionHandler(GrpcCall& call, Services& services) : call_(call), services_(services) {}
  void accepted() override { call_.read(); }
  void message(Message request) override {
    Result<std::string> answer = services_.reflection->answer(request.joined());
    if (!answer) return call_.fail(Failure::of(answer.error()));
    call_.write({*std::move(answer), {}});  // the slot is free: the next question is read behind this answer
  }
  void half_closed() override { call_.finish({}); }
  void writable() override { call_.read(); }
  void draining() override { call_.finish(CallEnd::of(Status(ION_E_CLOSED, "this broker is draining", "DRAINING"))); }
  void closed() override {}

 private:
  GrpcCall& call_;
  Services& services_;
};

}  // namespace

std::unique_ptr<CallHandler> make_reflection_handler(GrpcCall& call, Services& services) {
  return std::make_unique<ReflectionHandler>(call, services);
}

}  // namespace ion::transport_grpc
