// grpc.reflection.v1alpha.ServerReflection: a stream of questions, each answered in turn.
#include "io/reflection_codec.h"
#include "io/verbs/verb_file.h"

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

std::span<const RpcRow> rpcs_in_reflection() {
  static constexpr RpcRow kRows[] = {
      {.method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
       .label = "reflection",
       .kind = RpcRow::Kind::kStream,
       .make = make_call<ReflectionHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
