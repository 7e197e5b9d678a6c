#include "raw_client.h"

#include <grpcpp/generic/generic_stub.h>

#include <deque>

namespace ion::test {
namespace {

constexpr int kPatienceMs = 10'000;

gpr_timespec in(int milliseconds) { return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(milliseconds, GPR_TIMESPAN)); }

grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}
std::string text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (buffer.Valid()) (void)buffer.Dump(&slices);
  std::string to;
  for (const grpc::Slice& slice : slices) to.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return to;
}

}  // namespace

struct RawStream::Inside {
  explicit Inside(grpc::Channel& channel) : stub(std::shared_ptr<grpc::ChannelInterface>(&channel, [](auto*) {})) {}

  enum Tag : intptr_t { kStart = 1, kWrite = 2, kRead = 3, kDone = 4, kFinish = 5 };
  static void* tag(Tag t) { return reinterpret_cast<void*>(t); }

  // Waits for a tag; others that come meanwhile are remembered.
  std::optional<bool> wait(Tag wanted, int milliseconds) {
    for (const gpr_timespec deadline = in(milliseconds);;) {
      for (auto it = came.begin(); it != came.end(); ++it)
        if (it->first == wanted) {
          const bool ok = it->second;
          came.erase(it);
          return ok;
        }
      void* got = nullptr;
      bool ok = false;
      if (queue.AsyncNext(&got, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return std::nullopt;
      came.emplace_back(static_cast<Tag>(reinterpret_cast<intptr_t>(got)), ok);
    }
  }

  grpc::GenericStub stub;
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
  std::deque<std::pair<Tag, bool>> came;
  grpc::ByteBuffer received;
  grpc::Status status;
  bool reading = false, finished = false;
};

RawStream::RawStream(grpc::Channel& channel, const std::string& method, std::optional<int> deadline_s, const SentMetadata& metadata)
    : inside_(std::make_unique<Inside>(channel)) {
  if (deadline_s) inside_->context.set_deadline(in(*deadline_s * 1000));
  for (const auto& [key, value] : metadata) inside_->context.AddMetadata(key, value);
  inside_->stream = inside_->stub.PrepareCall(&inside_->context, method, &inside_->queue);
  inside_->stream->StartCall(Inside::tag(Inside::kStart));
  (void)inside_->wait(Inside::kStart, kPatienceMs);
}

RawStream::~RawStream() {
  if (!inside_->finished) cancel(), (void)finish();
  inside_->queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (inside_->queue.Next(&tag, &ok)) {
  }
}

bool RawStream::write(const std::string& message) {
  inside_->stream->Write(buffer_of(message), Inside::tag(Inside::kWrite));
  return inside_->wait(Inside::kWrite, kPatienceMs).value_or(false);
}

void RawStream::done_writing() {
  inside_->stream->WritesDone(Inside::tag(Inside::kDone));
  (void)inside_->wait(Inside::kDone, kPatienceMs);
}

bool RawStream::read_within(int milliseconds, std::optional<std::string>* message) {
  message->reset();
  if (!std::exchange(inside_->reading, true)) inside_->stream->Read(&inside_->received, Inside::tag(Inside::kRead));
  const std::optional<bool> ok = inside_->wait(Inside::kRead, milliseconds);
  if (!ok) return false;
  inside_->reading = false;
  if (*ok) *message = text(inside_->received);
  inside_->received.Clear();
  return true;
}

std::optional<std::string> RawStream::read() {
  std::optional<std::string> message;
  (void)read_within(kPatienceMs, &message);
  return message;
}

grpc::Status RawStream::finish() {
  inside_->finished = true;
  inside_->stream->Finish(&inside_->status, Inside::tag(Inside::kFinish));
  if (!inside_->wait(Inside::kFinish, kPatienceMs)) {
    inside_->context.TryCancel();
    (void)inside_->wait(Inside::kFinish, kPatienceMs);
  }
  return inside_->status;
}

void RawStream::cancel() { inside_->context.TryCancel(); }

RawClient::RawClient(const std::string& address, std::vector<std::pair<std::string, int>> given) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  for (const auto& [name, value] : given) arguments.SetInt(name, value);
  channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

UnaryResult RawClient::call(const std::string& method, const std::string& request, std::optional<int> deadline_s, const SentMetadata& metadata) {
  RawStream stream(*channel_, method, deadline_s, metadata);
  (void)stream.write(request);
  stream.done_writing();
  UnaryResult result;
  if (auto answer = stream.read()) result.bytes = *std::move(answer);
  result.status = stream.finish();
  return result;
}

std::unique_ptr<RawStream> RawClient::open(const std::string& method, std::optional<int> deadline_s, const SentMetadata& metadata) {
  return std::make_unique<RawStream>(*channel_, method, deadline_s, metadata);
}

}  // namespace ion::test
