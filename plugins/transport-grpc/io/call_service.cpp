#include "io/call_service.h"

#include "io/grpc_call.h"
#include "io/grpc_names.h"

namespace ion::transport_grpc {
namespace {

class CallbackPort final : public CallPort, public grpc::ServerGenericBidiReactor {
 public:
  CallbackPort(TransportMetrics& metrics, const ReceiveRules& rules, grpc::GenericCallbackServerContext& context)
      : metrics_(metrics), rules_(rules), context_(context) {}

  void start_read() override { StartRead(&received_); }
  void start_write(OutMessage message) override {
    sending_ = adopt(std::move(message), metrics_);
    StartWrite(&sending_);
  }
  void start_finish(const CallEnd& end) override { Finish(grpc_status(end)); }
  void start_answer(OutMessage message) override {
    sending_ = adopt(std::move(message), metrics_);
    StartWriteAndFinish(&sending_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void cut() override { context_.TryCancel(); }
  Metadata metadata() const override { return copy_metadata(context_); }

  void OnReadDone(bool ok) override {
    Message message;
    if (ok) {
      message = take(received_, rules_, metrics_);
      received_.Clear();
    }
    call_->on_read(std::move(message));
  }
  void OnWriteDone(bool) override {
    sending_.Clear();
    call_->on_written();
  }
  void OnCancel() override { call_->on_cancelled(); }
  // The last reaction: all others have run, so the call destroys this port soon.
  void OnDone() override {
    GrpcCall& call = *call_;
    call.on_finished();
    call.on_done();
  }

 private:
  TransportMetrics& metrics_;
  const ReceiveRules& rules_;
  grpc::GenericCallbackServerContext& context_;  // gRPC's, until OnDone
  grpc::ByteBuffer received_, sending_;
};

}  // namespace

grpc::ServerGenericBidiReactor* CallService::CreateReactor(grpc::GenericCallbackServerContext* context) {
  auto port = std::make_unique<CallbackPort>(metrics_, rules_, *context);
  CallbackPort* reactor = port.get();
  CallFacts facts{context->method(), context->peer(), time_left(context->raw_deadline())};
  sink_.accept(std::move(port), std::move(facts));
  return reactor;
}

}  // namespace ion::transport_grpc
