#include "bench/raw_stream.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>

namespace ion::bench {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::shared_ptr<grpc::Channel> connect(const std::string& address, const RawTuning& tuning) {
  grpc::ChannelArguments a;
  a.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  a.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  a.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, tuning.bdp_probe ? 1 : 0);
  if (tuning.frame_bytes != 0) a.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, static_cast<int>(tuning.frame_bytes));
  if (tuning.lookahead_bytes != 0) a.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, static_cast<int>(tuning.lookahead_bytes));
  if (tuning.read_chunk_bytes != 0) {
    a.SetInt(GRPC_ARG_TCP_READ_CHUNK_SIZE, static_cast<int>(std::min<uint64_t>(tuning.read_chunk_bytes, 64 << 10)));
    a.SetInt(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, static_cast<int>(tuning.read_chunk_bytes));
  }
  a.SetMaxReceiveMessageSize(-1);
  a.SetMaxSendMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), a);
}

grpc::ByteBuffer message_of(const std::string& head, const Payload& payload) {
  const grpc::Slice slices[] = {grpc::Slice(head), grpc::Slice(payload.data(), payload.size(), grpc::Slice::STATIC_SLICE)};
  return head.empty() ? grpc::ByteBuffer(slices + 1, 1) : grpc::ByteBuffer(slices, 2);
}
std::string text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  (void)buffer.Dump(&slices);
  std::string to;
  for (const grpc::Slice& slice : slices) to.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return to;
}
Status failed(const std::string& method, const grpc::Status& status) {
  return {ION_E_FAILED, method + " ended with " + std::to_string(status.error_code()) + ": " + status.error_message()};
}

enum Tag : intptr_t { kStarted = 1, kWritten, kRead, kFinished };
void* tag(Tag t) { return reinterpret_cast<void*>(t); }

// A bidirectional call and its queue.
struct Stream {
  Stream(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) : stub(channel), call(stub.PrepareCall(&context, method, &queue)) {
    call->StartCall(tag(kStarted));
    (void)wait(kStarted);
  }
  ~Stream() {
    context.TryCancel();
    queue.Shutdown();
    for (void* t = nullptr; queue.Next(&t, &ok);) {
    }
  }
  Tag next() {
    void* t = nullptr;
    if (!queue.Next(&t, &ok)) ok = false;
    return static_cast<Tag>(reinterpret_cast<intptr_t>(t));
  }
  bool wait(Tag wanted) {
    while (next() != wanted) {
    }
    return ok;
  }
  grpc::Status finish() {
    grpc::Status status;
    call->Finish(&status, tag(kFinished));
    (void)wait(kFinished);
    return status;
  }

  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::GenericStub stub;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
  bool ok = false;
};

}  // namespace

uint64_t one_answer(const std::string&) { return 1; }

uint64_t usual_window(uint64_t message_bytes) {
  if (message_bytes <= 1 << 10) return 256;
  if (message_bytes <= 16 << 10) return 64;
  if (message_bytes <= 64 << 10) return 32;
  return message_bytes <= 256 << 10 ? 16 : 8;
}

std::string raw_fetch_request(uint64_t messages, uint64_t bytes) {
  std::string request(16, '\0');
  std::memcpy(request.data(), &messages, 8);
  std::memcpy(request.data() + 8, &bytes, 8);
  return request;
}

Result<RawFigures> run_send(const std::string& address, const SendLoad& load, const RawTuning& tuning) {
  Stream stream(connect(address, tuning), load.method);
  grpc::ByteBuffer message = message_of(load.first_head, load.payload), answer;
  const grpc::ByteBuffer others = message_of(load.head, load.payload);
  uint64_t sent = 0, answered = 0;
  bool writing = false;
  const auto start = Clock::now();
  stream.call->Read(&answer, tag(kRead));
  while (answered < load.messages) {
    if (!writing && sent < load.messages && sent - answered < load.window) {
      stream.call->Write(sent == 0 ? message : others, tag(kWritten));
      writing = true, ++sent;
    }
    const Tag came = stream.next();
    if (!stream.ok) return failed(load.method, stream.finish());
    if (came == kWritten) writing = false;
    if (came != kRead) continue;
    answered += load.answers(text(answer));
    if (answered < load.messages) stream.call->Read(&answer, tag(kRead));
  }
  return RawFigures{answered, answered * load.payload.size(), since(start), {}};
}

Result<RawFigures> run_receive(const std::string& address, const ReceiveLoad& load, const RawTuning& tuning) {
  Stream stream(connect(address, tuning), load.method);
  const grpc::Slice request(load.request);
  RawFigures figures;
  const auto start = Clock::now();
  stream.call->Write(grpc::ByteBuffer(&request, 1), tag(kWritten));
  if (!stream.wait(kWritten)) return failed(load.method, stream.finish());
  for (grpc::ByteBuffer message; figures.messages < load.messages;) {
    stream.call->Read(&message, tag(kRead));
    if (!stream.wait(kRead)) return failed(load.method, stream.finish());
    if (message.Length() < load.counted_from) continue;
    ++figures.messages, figures.bytes += message.Length();
  }
  figures.seconds = since(start);
  return figures;
}

Result<RawFigures> run_unary(const std::string& address, const UnaryLoad& load, const RawTuning& tuning) {
  struct One {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
    grpc::ByteBuffer answer;
    grpc::Status status;
    Clock::time_point began;
  };
  const auto channel = connect(address, tuning);
  (void)channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const grpc::ByteBuffer request = message_of(load.head, load.payload);
  RawFigures figures;
  figures.latency_us.reserve(load.calls);
  std::deque<One> slots(load.in_flight);
  const auto begin = [&](One& one) {
    one.context = std::make_unique<grpc::ClientContext>();
    one.began = Clock::now();
    one.reader = stub.PrepareUnaryCall(one.context.get(), load.method, request, &queue);
    one.reader->StartCall();
    one.reader->Finish(&one.answer, &one.status, &one);
  };
  const auto start = Clock::now();
  uint64_t begun = 0;
  for (One& one : slots)
    if (begun < load.calls) begin(one), ++begun;
  Status bad;
  void* which = nullptr;
  for (bool ok = false; figures.messages < begun && queue.Next(&which, &ok);) {
    One& one = *static_cast<One*>(which);
    if (!one.status.ok() && bad.ok()) bad = failed(load.method, one.status);  // no further ones begin; the others come home
    figures.latency_us.push_back(since(one.began) * 1e6);
    ++figures.messages;
    if (bad.ok() && begun < load.calls) begin(one), ++begun;
  }
  figures.seconds = since(start);
  figures.bytes = figures.messages * load.payload.size();
  std::sort(figures.latency_us.begin(), figures.latency_us.end());
  queue.Shutdown();
  for (bool ok = false; queue.Next(&which, &ok);) {
  }
  if (!bad.ok()) return bad;
  return figures;
}

}  // namespace ion::bench
