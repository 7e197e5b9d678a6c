#include "io/callback_driver.h"

#include "io/grpc_call.h"
#include "io/grpc_names.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_builder.h>

namespace ion::transport_grpc {
namespace {

class CallbackPort final : public CallPort, public grpc::ServerGenericBidiReactor {
 public:
  CallbackPort(const DriverServices& world, const grpc::GenericCallbackServerContext& context) : world_(world), context_(context) {}

  void start_read() override { StartRead(&received_); }
  void start_write(OutMessage message) override {
    sending_ = adopt(std::move(message), world_.metrics);
    StartWrite(&sending_);
  }
  void start_finish(const CallEnd& end) override { Finish(grpc_status(end)); }
  void start_answer(OutMessage message) override {
    sending_ = adopt(std::move(message), world_.metrics);
    StartWriteAndFinish(&sending_, grpc::WriteOptions(), grpc::Status::OK);
  }
  Metadata metadata() const override { return copy_metadata(context_); }

  void OnReadDone(bool ok) override {
    Message message;
    if (ok) {
      message = take(received_, world_.rules, world_.metrics);
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
  const DriverServices& world_;
  const grpc::GenericCallbackServerContext& context_;  // gRPC's, until OnDone
  grpc::ByteBuffer received_, sending_;
};

class CallbackDriver final : public ServerDriver, private grpc::CallbackGenericService {
 public:
  explicit CallbackDriver(const DriverServices& world) : world_(world) {}
  void prepare(grpc::ServerBuilder& builder) override { builder.RegisterCallbackGenericService(this); }
  void start() override {}
  void stop() override {}  // the server's shutdown has waited for all reactors

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    auto port = std::make_unique<CallbackPort>(world_, *context);
    CallbackPort* reactor = port.get();
    CallFacts facts{context->method(), context->peer(), time_left(context->raw_deadline())};
    world_.sink.accept(std::move(port), std::move(facts));
    return reactor;
  }

  const DriverServices world_;
};

}  // namespace

std::unique_ptr<ServerDriver> make_callback_driver(const DriverServices& world) { return std::make_unique<CallbackDriver>(world); }

}  // namespace ion::transport_grpc
