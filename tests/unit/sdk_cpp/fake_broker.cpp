#include "fake_broker.h"

#include <ion/record_reader.h>

#include <arpa/inet.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "ionstream/v1/admin.pb.h"
#include "ionstream/v1/broker.pb.h"
#include "ionstream/v1/rpc_status.pb.h"

namespace ion::client {

namespace pb = ionstream::v1;

namespace {
std::string text_of_buffer(const grpc::ByteBuffer& b) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (b.Valid() && b.Dump(&slices).ok())
    for (const auto& s : slices) out.append(reinterpret_cast<const char*>(s.begin()), s.size());
  return out;
}
grpc::ByteBuffer buffer_of(const std::string& s) {
  const grpc::Slice slice(s);
  return grpc::ByteBuffer(&slice, 1);
}
grpc::Status error(grpc::StatusCode code, pb::Code ours, const std::string& reason, const std::string& words) {
  pb::ErrorDetail detail;
  detail.set_code(ours), detail.set_reason(reason), detail.set_detail(words);
  pb::RpcStatus status;
  status.set_code(code), status.set_message(words);
  status.add_details()->PackFrom(detail);
  return {code, words, status.SerializeAsString()};
}
}  // namespace

struct FakeBroker::State {
  struct Partition {
    std::deque<std::string> batches;  // with their base offset in place
    int64_t next = 0;
    std::map<int64_t, std::pair<int32_t, std::map<int32_t, int64_t>>> producers;  // id: expected sequence, offsets by sequence
  };
  class Call;
  class Service final : public grpc::CallbackGenericService {
   public:
    explicit Service(State& s) : state(s) {}
    grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;
    State& state;
  };

  mutable std::mutex mutex;
  std::map<std::string, std::vector<Partition>> topics;
  std::map<std::string, Call*> sessions;
  std::condition_variable changed;
  bool held = false;
  int streams = 0, opening = 0;
  int lose = 0, refusals = 0, refuse_code = 0;
  std::string refuse_reason;
  int64_t last_producer = 0;
  uint64_t last_session = 0, credit_calls = 0;
  int port = 0, reserved = -1;
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;

  grpc::Status unary(const std::string& method, const std::string& request, std::string& answer);
  void metadata(const pb::MetadataRequest& request, pb::MetadataResponse& answer);
  pb::ProduceAck produce(const pb::ProduceRequest& request);
};

class FakeBroker::State::Call final : public grpc::ServerGenericBidiReactor {
 public:
  Call(State& state, std::string method) : state_(state), method_(std::move(method)) {
    if (method_.ends_with("/ProduceStream")) count(1);
    StartRead(&in_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      const std::lock_guard lock(mutex_);
      if (!session_.empty() || done_) return;  // a subscription goes on after its request
      end(grpc::Status::OK);
      return;
    }
    const std::string request = text_of_buffer(in_);
    if (method_.ends_with("/ProduceStream")) return produce(request);
    if (method_.ends_with("/Subscribe")) return subscribe(request);
    std::string answer;
    const grpc::Status status = state_.unary(method_, request, answer);
    const std::lock_guard lock(mutex_);
    if (done_) return;  // it was cancelled meanwhile
    if (!status.ok()) return end(status);
    out_ = buffer_of(answer);
    done_ = true;
    StartWriteAndFinish(&out_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnWriteDone(bool) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    write_next();
  }
  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    end(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    if (!session_.empty()) {
      const std::lock_guard lock(state_.mutex);
      state_.sessions.erase(session_);
    }
    if (method_.ends_with("/ProduceStream")) count(-1);
    delete this;
  }

  // With the state locked: gives the reader what it has credit for.
  void feed() {
    const std::lock_guard lock(mutex_);
    for (auto& part : parts_) {
      const auto topic = state_.topics.find(part.topic());
      if (topic == state_.topics.end()) continue;
      State::Partition& p = topic->second.at(static_cast<size_t>(part.partition()));
      for (const std::string& b : p.batches) {
        const auto h = batch::read_header(reinterpret_cast<const uint8_t*>(b.data()));
        if (h.next_offset().v <= part.offset() || credit_ <= 0) continue;
        pb::FetchResponse f;
        f.set_topic(part.topic()), f.set_partition(part.partition());
        f.set_base_offset(h.base_offset.v), f.set_next_offset(h.next_offset().v), f.set_high_watermark(p.next), f.set_log_id(3);
        if (!told_session_) f.set_session(session_), told_session_ = true;
        f.set_records(b);
        part.set_offset(h.next_offset().v);
        credit_ -= static_cast<int64_t>(b.size());
        queue_.push_back(f.SerializeAsString());
      }
    }
    write_next();
  }
  void grant(uint64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      credit_ += static_cast<int64_t>(bytes);
    }
    feed();
  }

 private:
  void count(int more) {
    const std::lock_guard lock(state_.mutex);
    state_.streams += more;
    state_.changed.notify_all();
  }
  void produce(const std::string& bytes) {
    pb::ProduceRequest request;
    if (!request.ParseFromString(bytes)) {
      const std::lock_guard lock(mutex_);
      return end(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "unreadable"));
    }
    bool lost = false;
    pb::ProduceResponse response;
    {
      std::unique_lock lock(state_.mutex);
      state_.changed.wait(lock, [&] { return !state_.held; });
      *response.add_acks() = state_.produce(request);
      if (state_.lose > 0) lost = true, --state_.lose;
      for (const auto& [id, call] : state_.sessions) call->feed();
    }
    const std::lock_guard lock(mutex_);
    if (lost) return end(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the connection broke"));
    if (request.acks() != pb::ACKS_NONE) {
      queue_.push_back(response.SerializeAsString());
      write_next();
    }
    if (!done_) StartRead(&in_);
  }
  void subscribe(const std::string& bytes) {
    pb::SubscribeRequest request;
    const std::lock_guard lock(state_.mutex);
    {
      const std::lock_guard own(mutex_);
      if (done_) return;  // it was cancelled meanwhile
      if (!request.ParseFromString(bytes)) return end(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "unreadable"));
      session_ = "session-" + std::to_string(++state_.last_session);
      parts_.assign(request.parts().begin(), request.parts().end());
      credit_ = static_cast<int64_t>(request.credit_bytes());
      StartRead(&in_);
    }
    state_.sessions[session_] = this;
    feed();
  }
  void end(grpc::Status status) {
    if (done_) return;
    done_ = true;
    Finish(std::move(status));
  }
  void write_next() {
    if (writing_ || done_ || queue_.empty()) return;
    writing_ = true;
    out_ = buffer_of(queue_.front());
    queue_.pop_front();
    StartWrite(&out_);
  }

  State& state_;
  const std::string method_;
  std::mutex mutex_;
  grpc::ByteBuffer in_, out_;
  std::deque<std::string> queue_;
  std::vector<pb::SubscribePart> parts_;
  std::string session_;
  int64_t credit_ = 0;
  bool told_session_ = false, writing_ = false, done_ = false;
};

grpc::ServerGenericBidiReactor* FakeBroker::State::Service::CreateReactor(grpc::GenericCallbackServerContext* context) {
  return new Call(state, context->method());
}

void FakeBroker::State::metadata(const pb::MetadataRequest& request, pb::MetadataResponse& answer) {
  auto* b = answer.add_brokers();
  b->set_node(1), b->set_address("advertised-and-never-used:1");
  for (const std::string& name : request.topics()) {
    auto* t = answer.add_topics();
    t->set_name(name);
    const auto at = topics.find(name);
    if (at == topics.end()) {
      t->mutable_error()->set_code(pb::CODE_NOT_FOUND), t->mutable_error()->set_reason("TOPIC_NOT_FOUND");
      continue;
    }
    for (size_t i = 0; i < at->second.size(); ++i) {
      auto* p = t->add_partitions();
      p->set_partition(static_cast<int32_t>(i)), p->set_leader(1), p->set_log_id(3);
    }
  }
}

grpc::Status FakeBroker::State::unary(const std::string& method, const std::string& request, std::string& answer) {
  const std::lock_guard lock(mutex);
  if (method.ends_with("/ClusterInfo")) {
    pb::ClusterInfoResponse m;
    m.set_cluster_id("fake"), m.set_node(1);
    answer = m.SerializeAsString();
  } else if (method.ends_with("/Metadata")) {
    pb::MetadataRequest m;
    pb::MetadataResponse r;
    m.ParseFromString(request);
    metadata(m, r);
    answer = r.SerializeAsString();
  } else if (method.ends_with("/InitProducer")) {
    pb::InitProducerResponse m;
    m.set_producer_id(++last_producer);
    answer = m.SerializeAsString();
  } else if (method.ends_with("/ListOffsets")) {
    pb::ListOffsetsRequest m;
    pb::ListOffsetsResponse r;
    m.ParseFromString(request);
    for (const int32_t p : m.partitions()) {
      auto* e = r.add_offsets();
      e->set_partition(p);
      if (opening > 0) {
        e->mutable_error()->set_code(pb::CODE_CLOSED), e->mutable_error()->set_reason("STARTING");
        continue;
      }
      e->set_offset(m.what() == pb::ListOffsetsRequest::WHAT_START ? 0 : topics.at(m.topic()).at(static_cast<size_t>(p)).next);
    }
    opening = std::max(0, opening - 1);
    answer = r.SerializeAsString();
  } else if (method.ends_with("/Credit")) {
    pb::CreditRequest m;
    m.ParseFromString(request);
    ++credit_calls;
    const auto at = sessions.find(m.session());
    if (at == sessions.end()) return error(grpc::StatusCode::NOT_FOUND, pb::CODE_NOT_FOUND, "SESSION_NOT_FOUND", "no such session");
    at->second->grant(m.bytes());
  } else if (method.ends_with("/CreateTopic")) {
    pb::CreateTopicRequest m;
    m.ParseFromString(request);
    if (topics.contains(m.name())) return error(grpc::StatusCode::ALREADY_EXISTS, pb::CODE_EXISTS, "TOPIC_EXISTS", "topic " + m.name() + " is there already");
    topics[m.name()].resize(std::max(1u, m.partitions()));
    pb::CreateTopicResponse r;
    r.mutable_topic()->set_name(m.name());
    answer = r.SerializeAsString();
  } else {
    return {grpc::StatusCode::UNIMPLEMENTED, "not offered"};
  }
  return grpc::Status::OK;
}

pb::ProduceAck FakeBroker::State::produce(const pb::ProduceRequest& request) {
  pb::ProduceAck ack;
  ack.set_correlation(request.correlation());
  ack.set_partition(request.partition());
  const auto refuse_with = [&](int code, const std::string& reason) {
    ack.mutable_error()->set_code(static_cast<pb::Code>(code)), ack.mutable_error()->set_reason(reason);
    return ack;
  };
  if (refusals > 0) return --refusals, refuse_with(refuse_code, refuse_reason);
  std::string bytes = request.records();
  const ion_buf part = borrowed(span_of(bytes));
  const auto header = batch::check({&part, 1}, 16 << 20, batch::From::kClient);
  if (!header) return refuse_with(pb::CODE_INVALID, "CORRUPT_BATCH");
  Partition& p = topics.at(request.topic()).at(static_cast<size_t>(request.partition()));
  ack.set_log_id(3);
  if (header->idempotent()) {
    auto& [expected, offsets] = p.producers[header->producer.v];
    if (const auto known = offsets.find(header->base_sequence); known != offsets.end()) {
      ack.set_base_offset(known->second), ack.set_duplicate(true);
      return ack;
    }
    if (header->base_sequence != expected) return refuse_with(pb::CODE_FENCED, "OUT_OF_SEQUENCE");
    offsets[header->base_sequence] = p.next;
    expected += header->count;
  }
  ack.set_base_offset(p.next);
  batch::store_big<int64_t>(reinterpret_cast<uint8_t*>(bytes.data()), p.next);
  p.next += header->count;
  ack.set_next_offset(p.next);
  p.batches.push_back(std::move(bytes));
  return ack;
}

// The port belongs to this broker also while it is stopped: another process that was given it then would answer, or keep start() from
// having it. Two sockets may share a port of SO_REUSEPORT; one that does not listen refuses connections.
FakeBroker::FakeBroker() : state_(std::make_unique<State>()) {
  state_->reserved = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(state_->reserved, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET, at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ION_ASSERT(::bind(state_->reserved, reinterpret_cast<sockaddr*>(&at), size) == 0);
  ION_ASSERT(::getsockname(state_->reserved, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  state_->port = ntohs(at.sin_port);
  start();
}
FakeBroker::~FakeBroker() {
  stop();
  ::close(state_->reserved);
}

void FakeBroker::start() {
  state_->service = std::make_unique<State::Service>(*state_);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(state_->port), grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(64 << 20);
  builder.RegisterCallbackGenericService(state_->service.get());
  state_->server = builder.BuildAndStart();
  ION_ASSERT(state_->server != nullptr);
}

void FakeBroker::stop() {
  if (!state_->server) return;
  go_on();
  state_->server->Shutdown(std::chrono::system_clock::time_point());
  state_->server->Wait();
  state_->server.reset();
}

std::string FakeBroker::address() const { return "127.0.0.1:" + std::to_string(state_->port); }

void FakeBroker::create_topic(const std::string& name, int partitions) {
  const std::lock_guard lock(state_->mutex);
  state_->topics[name].resize(static_cast<size_t>(partitions));
}

std::vector<std::string> FakeBroker::values(const std::string& topic, int partition) const {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::string> out;
  for (const std::string& b : state_->topics.at(topic).at(static_cast<size_t>(partition)).batches) {
    auto reader = batch::RecordReader::open(span_of(b));
    while (const auto r = *reader->next()) out.emplace_back(text_of(*r->value));
  }
  return out;
}

void FakeBroker::hold() {
  const std::lock_guard lock(state_->mutex);
  state_->held = true;
}
void FakeBroker::go_on() {
  const std::lock_guard lock(state_->mutex);
  state_->held = false;
  state_->changed.notify_all();
}
void FakeBroker::wait_for_streams(int n) {
  std::unique_lock lock(state_->mutex);
  ION_ASSERT(state_->changed.wait_for(lock, std::chrono::seconds(60), [&] { return state_->streams == n; }));
}
void FakeBroker::open_late(int n) {
  const std::lock_guard lock(state_->mutex);
  state_->opening = n;
}
void FakeBroker::lose_acks(int n) {
  const std::lock_guard lock(state_->mutex);
  state_->lose = n;
}
void FakeBroker::refuse(int n, int code, std::string reason) {
  const std::lock_guard lock(state_->mutex);
  state_->refusals = n, state_->refuse_code = code, state_->refuse_reason = std::move(reason);
}
uint64_t FakeBroker::credit_calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->credit_calls;
}

}  // namespace ion::client
