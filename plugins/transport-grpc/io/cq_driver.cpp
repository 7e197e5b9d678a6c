#include "io/cq_driver.h"

#include "io/grpc_call.h"
#include "io/grpc_names.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace ion::transport_grpc {
namespace {

class CqDriver;

// One call on a queue: first posted ahead, then the port of a GrpcCall. Its five tags are members, so none is ever made or freed.
class CqPort final : public CallPort {
 public:
  CqPort(CqDriver& driver, grpc::ServerCompletionQueue& queue);
  void start_read() override { stream_.Read(&received_, &read_); }
  void start_write(OutMessage message) override;
  void start_finish(const CallEnd& end) override { stream_.Finish(grpc_status(end), &finished_); }
  void start_answer(OutMessage message) override;
  Metadata metadata() const override { return copy_metadata(context_); }

  struct Tag {
    CqPort& port;
    void (CqPort::*came)(bool ok);
    void fire(bool ok) { (port.*came)(ok); }
  };

 private:
  void came_accepted(bool ok);
  void came_read(bool ok);
  void came_written(bool) { call_->on_written(); }  // a failed one: the done tag will say that the call is dead
  void came_finished(bool) { call_->on_finished(); }
  void came_done(bool) {
    if (context_.IsCancelled()) call_->on_cancelled();
    call_->on_done();
  }

  CqDriver& driver_;
  grpc::ServerCompletionQueue& queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  grpc::ByteBuffer received_;
  Tag accepted_{*this, &CqPort::came_accepted};
  Tag read_{*this, &CqPort::came_read};
  Tag written_{*this, &CqPort::came_written};
  Tag finished_{*this, &CqPort::came_finished};
  Tag done_{*this, &CqPort::came_done};
};

class CqDriver final : public ServerDriver {
 public:
  CqDriver(const DriverServices& world, CqOptions options) : world_(world), options_(options) {
    if (options_.threads == 0) options_.threads = std::max(1u, std::thread::hardware_concurrency());
  }

  void prepare(grpc::ServerBuilder& builder) override {
    builder.RegisterAsyncGenericService(&service_);
    for (uint32_t i = 0; i < options_.threads; ++i) queues_.push_back(builder.AddCompletionQueue());
  }
  void start() override {
    for (const auto& queue : queues_)
      for (uint32_t i = 0; i < options_.accepts; ++i) post_accept(*queue);
    for (const auto& queue : queues_) threads_.emplace_back([&queue = *queue] { serve(queue); });
  }
  void stop() override {
    for (const auto& queue : queues_) queue->Shutdown();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    queues_.clear();
  }

  void post_accept(grpc::ServerCompletionQueue& queue) {
    world_.sink.line_opened();
    new CqPort(*this, queue);  // owned by its accepted tag
  }
  grpc::AsyncGenericService& service() { return service_; }
  const DriverServices& world() const { return world_; }

 private:
  static void serve(grpc::ServerCompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    while (queue.Next(&tag, &ok)) static_cast<CqPort::Tag*>(tag)->fire(ok);
  }

  const DriverServices world_;
  CqOptions options_;
  grpc::AsyncGenericService service_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::vector<std::thread> threads_;
};

CqPort::CqPort(CqDriver& driver, grpc::ServerCompletionQueue& queue) : driver_(driver), queue_(queue) {
  context_.AsyncNotifyWhenDone(&done_);
  driver_.service().RequestCall(&context_, &stream_, &queue_, &queue_, &accepted_);
}

void CqPort::came_accepted(bool ok) {
  std::unique_ptr<CqPort> own(this);
  CallSink& sink = driver_.world().sink;
  if (ok) {
    driver_.post_accept(queue_);
    CallFacts facts{context_.method(), context_.peer(), time_left(context_.raw_deadline())};
    sink.accept(std::move(own), std::move(facts));
  }  // else the server is going, and this one was never used
  own.reset();
  sink.line_closed();
}

void CqPort::came_read(bool ok) {
  Message message;
  if (ok) {
    message = take(received_, driver_.world().rules, driver_.world().metrics);
    received_.Clear();
  }
  call_->on_read(std::move(message));
}

void CqPort::start_write(OutMessage message) {
  stream_.Write(adopt(std::move(message), driver_.world().metrics), &written_);
}

void CqPort::start_answer(OutMessage message) {
  stream_.WriteAndFinish(adopt(std::move(message), driver_.world().metrics), grpc::WriteOptions(), grpc::Status::OK, &finished_);
}

}  // namespace

std::unique_ptr<ServerDriver> make_cq_driver(const DriverServices& world, CqOptions options) {
  return std::make_unique<CqDriver>(world, options);
}

}  // namespace ion::transport_grpc
