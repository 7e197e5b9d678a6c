// grpc.health.v1.Health (github.com/grpc/grpc, doc/health-checking.md): the broker API's health as tools expect it. The empty
// service is the broker; each gRPC service that is served here can be asked by name. A draining listener answers NOT_SERVING.
#include "core/request_limits.h"
#include "core/wire.h"
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

Serving serving(Services& services, std::string_view service) {
  const auto names = services.rpcs.services();
  if (!service.empty() && std::find(names.begin(), names.end(), service) == names.end()) return Serving::kServiceUnknown;
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
    reply(write_serving(draining_ ? Serving::kNotServing : now));
  }

  const bool draining_;
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
    tell();
  }
  void half_closed() override {
    if (!service_) call_.fail(Failure::of(Status(ION_E_INVALID, "want one request message, have none", "MALFORMED_MESSAGE")));
  }
  void writable() override { tell(); }
  void tick() override { tell(); }
  void draining() override {
    draining_ = asked_to_end_ = true;
    tell();
  }
  void closed() override {}

 private:
  void tell() {
    if (!call_.is_open() || !call_.can_write()) return;
    if (service_) {
      const Serving now = draining_ ? Serving::kNotServing : serving(services_, *service_);
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
  bool draining_;
  bool asked_to_end_ = false;
};

}  // namespace

std::span<const RpcRow> rpcs_in_health() {
  static constexpr RpcRow kRows[] = {
      {.method = "/grpc.health.v1.Health/Check", .label = "health_check", .drain = RpcRow::Drain::kServed, .make = make_call<CheckHandler>},
      {.method = "/grpc.health.v1.Health/Watch",
       .label = "health_watch",
       .kind = RpcRow::Kind::kStream,
       .drain = RpcRow::Drain::kServed,
       .make = make_call<WatchHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
