#include "io/call_service.h"

#include "io/grpc_call.h"
#include "io/grpc_names.h"

#include <grpc/grpc.h>

namespace ion::transport_grpc {
namespace {

class CallbackPort final : public CallPort, public grpc::ServerGenericBidiReactor {
 public:
  CallbackPort(TransportMetrics& metrics, const ReceiveRules& rules, grpc::GenericCallbackServerContext& context)
      : metrics_(metrics), rules_(rules), context_(context), raw_call_(context.c_call()) {
    grpc_call_ref(raw_call_);
  }
  ~CallbackPort() override { grpc_call_unref(raw_call_); }

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
  // Not through the context: the strand may be at this point while OnDone returns on another thread, which ends the context.
  void cut() override { (void)grpc_call_cancel_with_status(raw_call_, GRPC_STATUS_CANCELLED, "cut by the server", nullptr); }
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
  grpc_call* const raw_call_;                     // one reference is ours
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
