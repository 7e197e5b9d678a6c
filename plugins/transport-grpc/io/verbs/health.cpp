// grpc.health.v1.Health (github.com/grpc/grpc, doc/health-checking.md): the broker API's health as tools expect it. The empty
// service is the broker; each gRPC service that is served here can be asked by name. `ionstream.writes` is whether records are taken:
// NOT_SERVING also while the broker serves readers and a problem stops writes, such as a full disk. A draining listener answers
// NOT_SERVING.
#include "core/request_limits.h"
#include "core/wire.h"
#include "io/api_op.h"
#include "io/verbs/verb_file.h"

#include <algorithm>
#include <optional>

namespace ion::transport_grpc {
namespace {

enum class Serving : uint64_t { kServing = 1, kNotServing = 2, kServiceUnknown = 3 };  // numbers of HealthCheckResponse

Result<std::string> read_service(std::span<const ion_buf> parts) {
  std::string service;
  WireReader reader(parts);
  WireField f;
  while (reader.next(f))
    if (f.is(1, WireType::kBytes)) service = reader.text(f, kTopicNameBytesMax);
  if (reader.failed()) return reader.status("HealthCheckRequest");
  return service;
}

std::string write_serving(Serving serving) {
  std::string bytes;
  WireWriter(bytes).number(1, static_cast<uint64_t>(serving));
  return bytes;
}

constexpr std::string_view kWrites = "ionstream.writes";

// What cluster_info says of writes. The question of a handler, which owns it and answers in answered().
template <class Handler, void (Handler::*Answered)()>
class WritesQuestion {
 public:
  explicit WritesQuestion(Handler& handler) : op_(handler) {}
  bool asked() const noexcept { return op_.asked(); }
  void ask(GrpcCall& call, Services& services) {
    request_.size = sizeof request_, request_.who = &call.who();
    answer_ = {}, answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call, 0, [&](Op& op) { return services.api->cluster_info(op, request_, answer_); });
  }
  bool taken() const noexcept { return op_.ok() && (answer_.flags & ION_CLUSTER_REFUSES_WRITES) == 0; }

 private:
  ion_cluster_req request_{};
  ion_cluster_answer answer_{};
  ApiCall<Handler, Answered> op_;
};

Serving serving(Services& services, std::string_view service) {
  const auto names = services.rpcs.services();
  if (!service.empty() && service != kWrites && std::find(names.begin(), names.end(), service) == names.end()) return Serving::kServiceUnknown;
  return services.api->health() == ION_HEALTH_SERVING ? Serving::kServing : Serving::kNotServing;
}

class CheckHandler final : public UnaryHandler {
 public:
  CheckHandler(GrpcCall& call, Services& services, Listening listening)
      : UnaryHandler(call, services), draining_(listening == Listening::kDraining) {}

 private:
  void request(Message message) override {
    const Result<std::string> service = read_service(message.parts());
    if (!service) return call_.fail(Failure::of(service.error()));
    const Serving now = serving(services_, *service);
    if (now == Serving::kServiceUnknown)
      return call_.fail(Failure::of(Status(ION_E_NOT_FOUND, "health: no service '" + *service + "' is served here", "SERVICE_NOT_FOUND")));
    if (*service == kWrites && now == Serving::kServing && !draining_) return writes_.ask(call_, services_);
    reply(write_serving(draining_ ? Serving::kNotServing : now));
  }
  void answered() { reply(write_serving(writes_.taken() ? Serving::kServing : Serving::kNotServing)); }

  const bool draining_;
  WritesQuestion<CheckHandler, &CheckHandler::answered> writes_{*this};
};

// Tells the state at once and then each change; a drain is told as NOT_SERVING before the stream ends.
class WatchHandler final : public CallHandler {
 public:
  WatchHandler(GrpcCall& call, Services& services, Listening listening)
      : call_(call), services_(services), draining_(listening == Listening::kDraining) {}
  void accepted() override { call_.read(); }
  void message(Message request) override {
    Result<std::string> service = read_service(request.parts());
    if (!service) return call_.fail(Failure::of(service.error()));
    service_ = *std::move(service);
    look();
  }
  void half_closed() override {
    if (!service_) call_.fail(Failure::of(Status(ION_E_INVALID, "want one request message, have none", "MALFORMED_MESSAGE")));
  }
  void writable() override { tell(); }
  void tick() override { look(); }
  void draining() override {
    draining_ = asked_to_end_ = true;
    tell();
  }
  void closed() override {}

 private:
  void look() {
    if (service_ != kWrites || draining_) return tell();
    if (call_.is_open() && !writes_.asked()) writes_.ask(call_, services_);
  }
  void answered() {
    writes_taken_ = writes_.taken();
    tell();
  }
  Serving now() const {
    if (draining_) return Serving::kNotServing;
    const Serving broker = serving(services_, *service_);
    return service_ == kWrites && broker == Serving::kServing && !*writes_taken_ ? Serving::kNotServing : broker;
  }
  void tell() {
    if (!call_.is_open() || !call_.can_write()) return;
    if (service_ && (service_ != kWrites || writes_taken_ || draining_)) {
      const Serving now = this->now();
      if (told_ != now) {
        told_ = now;
        return call_.write({write_serving(now), {}});
      }
    }
    if (draining_ && (service_ || asked_to_end_)) call_.finish(CallEnd::of(Status(ION_E_CLOSED, "this broker is draining", "DRAINING")));
  }

  GrpcCall& call_;
  Services& services_;
  std::optional<std::string> service_;
  std::optional<Serving> told_;
  std::optional<bool> writes_taken_;  // of kWrites, when it was asked
  bool draining_;
  bool asked_to_end_ = false;
  WritesQuestion<WatchHandler, &WatchHandler::answered> writes_{*this};
};

}  // namespace

std::span<const RpcRow> rpcs_in_health() {
  static constexpr RpcRow kRows[] = {
      {.method = "/grpc.health.v1.Health/Check",
       .label = "health_check",
       .asks = kVerbs<Verb::cluster_info>,
       .drain = RpcRow::Drain::kServed,
       .make = make_call<CheckHandler>},
      {.method = "/grpc.health.v1.Health/Watch",
       .label = "health_watch",
       .asks = kVerbs<Verb::cluster_info>,
       .kind = RpcRow::Kind::kStream,
       .drain = RpcRow::Drain::kServed,
       .make = make_call<WatchHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
