// The server half of raw_stream.h: completion queues, one call in turn on each of its events.
#include "bench/raw_stream.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

namespace ion::bench {
namespace {

constexpr uint64_t kMessageBytesMax = 64 << 20;
constexpr int kAccepts = 100;  // posted ahead per queue
constexpr char kAnswer[16] = {};

class Call;
struct Tag {
  Call* call;
  void (Call::*came)(bool ok);
};

class Call {
 public:
  Call(grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue, const std::string& payload, std::atomic<int>& alive)
      : service_(service), queue_(queue), payload_(payload), alive_(alive) {
    ++alive_;
    service_.RequestCall(&context_, &stream_, &queue_, &queue_, &accepted_);
  }
  ~Call() { --alive_; }
  void fire(const Tag& tag, bool ok) {
    (this->*tag.came)(ok);
    if (outstanding_ == 0) delete this;
  }

 private:
  void accepted(bool ok) {
    if (!ok) return;
    new Call(service_, queue_, payload_, alive_);
    fetch_ = context_.method() == "/raw/Fetch", unary_ = context_.method() == "/raw/Unary";
    read_next();
  }
  void read(bool ok) {
    --outstanding_;
    if (!ok) return end();
    if (fetch_) return begin_fetch();
    if (unary_) return answer_once();
    ++owed_;
    write_next();
    read_next();
  }
  void written(bool ok) {
    --outstanding_;
    writing_ = false;
    if (!ok) owed_ = 0, ended_ = true;
    write_next();
  }
  void finished(bool) { --outstanding_; }

  void read_next() {
    stream_.Read(&received_, &read_);
    ++outstanding_;
  }
  void write_next() {
    if (writing_) return;
    if (owed_ == 0) {
      if (ended_ && !finishing_) finish();
      return;
    }
    --owed_;
    stream_.Write(message_, &written_);
    writing_ = true, ++outstanding_;
  }
  void begin_fetch() {
    std::vector<grpc::Slice> slices;
    (void)received_.Dump(&slices);
    std::string request;
    for (const grpc::Slice& s : slices) request.append(reinterpret_cast<const char*>(s.begin()), s.size());
    uint64_t bytes = 0;
    if (request.size() >= 16) std::memcpy(&owed_, request.data(), 8), std::memcpy(&bytes, request.data() + 8, 8);
    const grpc::Slice slice(payload_.data(), std::min<uint64_t>(bytes, payload_.size()), grpc::Slice::STATIC_SLICE);
    message_ = grpc::ByteBuffer(&slice, 1);
    ended_ = true;
    write_next();
  }
  void answer_once() {
    finishing_ = true, ++outstanding_;
    stream_.WriteAndFinish(message_, grpc::WriteOptions(), grpc::Status::OK, &finished_);
  }
  void end() {
    ended_ = true;
    write_next();
  }
  void finish() {
    finishing_ = true, ++outstanding_;
    stream_.Finish(grpc::Status::OK, &finished_);
  }
  static grpc::ByteBuffer answer() {
    const grpc::Slice slice(kAnswer, sizeof kAnswer, grpc::Slice::STATIC_SLICE);
    return {&slice, 1};
  }

  grpc::AsyncGenericService& service_;
  grpc::ServerCompletionQueue& queue_;
  const std::string& payload_;
  std::atomic<int>& alive_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  grpc::ByteBuffer received_, message_ = answer();
  uint64_t owed_ = 0;
  int outstanding_ = 0;
  bool fetch_ = false, unary_ = false, writing_ = false, ended_ = false, finishing_ = false;
  Tag accepted_{this, &Call::accepted}, read_{this, &Call::read}, written_{this, &Call::written}, finished_{this, &Call::finished};
};

class Server final : public RawServer {
 public:
  Server() : payload_(kMessageBytesMax, 'r') {}
  ~Server() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    // A cancelled call still sends its end: a queue that is closed before aborts in it.
    for (int left = 5000; alive_ > 0 && left > 0; --left) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (auto& queue : queues_) queue->Shutdown();
    for (auto& thread : threads_) thread.join();
  }
  const std::string& address() const override { return address_; }

  Status open(const std::string& address, uint32_t threads, const RawTuning& tuning) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterAsyncGenericService(&service_);
    builder.SetMaxReceiveMessageSize(-1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, tuning.bdp_probe ? 1 : 0);
    if (tuning.frame_bytes != 0) builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, static_cast<int>(tuning.frame_bytes));
    if (tuning.lookahead_bytes != 0) builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, static_cast<int>(tuning.lookahead_bytes));
    if (tuning.read_chunk_bytes != 0) {
      builder.AddChannelArgument(GRPC_ARG_TCP_READ_CHUNK_SIZE, static_cast<int>(std::min<uint64_t>(tuning.read_chunk_bytes, 64 << 10)));
      builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, static_cast<int>(tuning.read_chunk_bytes));
    }
    for (uint32_t i = 0; i < threads; ++i) queues_.push_back(builder.AddCompletionQueue());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) return {ION_E_BUSY, "cannot listen on " + address};
    address_ = address.substr(0, address.rfind(':') + 1) + std::to_string(port);
    for (auto& queue : queues_) {
      for (int i = 0; i < kAccepts; ++i) new Call(service_, *queue, payload_, alive_);
      threads_.emplace_back([&q = *queue] {
        void* tag = nullptr;
        for (bool ok = false; q.Next(&tag, &ok);) {
          const Tag& one = *static_cast<Tag*>(tag);
          one.call->fire(one, ok);
        }
      });
    }
    return {};
  }

 private:
  const std::string payload_;  // what /raw/Fetch sends parts of
  std::atomic<int> alive_{0};
  grpc::AsyncGenericService service_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::thread> threads_;
  std::string address_;
};

}  // namespace

Result<std::unique_ptr<RawServer>> RawServer::start(const std::string& address, uint32_t threads, const RawTuning& tuning) {
  auto server = std::make_unique<Server>();
  ION_CHECK(server->open(address, threads, tuning));
  return std::unique_ptr<RawServer>(std::move(server));
}

}  // namespace ion::bench
