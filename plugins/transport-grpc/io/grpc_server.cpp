#include "io/grpc_server.h"

#include "io/connections.h"
#include "io/grpc_call.h"
#include "io/handler_factory.h"
#include "io/server_setup.h"

#include <grpcpp/server.h>

namespace ion::transport_grpc {
namespace {

constexpr Nanos kPeerWaitMax = milliseconds(1500);  // of a drain; the cut comes with the tick after it

// "ipv4:127.0.0.1:4711" and "ipv6:%5B::1%5D:4711" as people write them.
std::string peer_text(std::string_view peer) {
  const size_t scheme = peer.find(':');
  std::string text(scheme == std::string_view::npos ? peer : peer.substr(scheme + 1));
  for (const auto& [code, sign] : {std::pair{"%5B", '['}, std::pair{"%5D", ']'}})
    if (const size_t at = text.find(code); at != std::string::npos) text.replace(at, 3, 1, sign);
  return text;
}

}  // namespace

GrpcServer::GrpcServer(Services& services, Executor& executor)
    : services_(services), executor_(executor), registry_(std::make_shared<CallRegistry>(services.reloadable.calls_max)) {}

GrpcServer::~GrpcServer() { ION_ASSERT(server_ == nullptr); }

Status GrpcServer::open(const ListenAddress& at) {
  const TransportGrpcConfig& config = services_.config;
  service_ = std::make_unique<CallService>(*this, services_.metrics, ReceiveRules{config.copy_below, config.read_chunk_bytes});
  ION_TRY(BuiltServer built, build_server(at, config, *service_));
  server_ = std::move(built.server);
  at_ = built.at;
  address_ = at_.text();
  return {};
}

void GrpcServer::accept(std::unique_ptr<CallPort> port, CallFacts facts) {
  const Instant now = services_.host.now();
  const Instant deadline = facts.left ? Instant{facts.left->n > 0 ? (now + *facts.left).ns : now.ns} : Instant{};
  facts.peer = peer_text(facts.peer);
  CallPort& raw = *port;
  const RpcRow* row = services_.rpcs.find(facts.method);
  GrpcCall::World world{registry_, &services_.metrics, &services_.host, services_.rpcs.rows().size(), 0};
  if (row != nullptr) world.verb = services_.rpcs.index_of(*row), world.request_bytes_max = row->request_bytes_max;
  auto call = std::make_shared<GrpcCall>(std::move(world), std::move(port), std::move(facts), deadline);
  raw.attach(*call);
  const CallRegistry::Admission admission = registry_->admitted();
  // Calls that are answered at once are counted and not told; a stream is what a client is seen by.
  if (row != nullptr && row->kind == RpcRow::Kind::kStream)
    services_.host.log(LogLevel::kDebug, "a client opened a stream", {{"peer", call->peer()}, {"method", call->method()}, {"calls", std::to_string(registry_->count())}});
  call->open(make_handler(*call, services_, row, admission));
  if (registry_->published(*call, admission)) call->post_drain();
}

void GrpcServer::drain(Later later) {
  registry_->drain();
  services_.host.log(LogLevel::kDebug, "new calls are refused, those in progress are asked to end",
                     {{"address", address_}, {"calls", std::to_string(registry_->count())}});
  {
    const std::lock_guard lock(mutex_);
    cut_at_ = services_.host.now() + kPeerWaitMax;
  }
  for (const auto& call : registry_->calls()) call->post_drain();
  registry_->when_empty(std::move(later));
}

void GrpcServer::stop(Later later) {
  {
    const std::lock_guard lock(mutex_);
    const bool first = phase_ == Phase::kOpen;
    if (first) phase_ = Phase::kStopping;
    if (phase_ != Phase::kDown) stopped_.push_back(std::move(later));
    if (!first && !later) return;
  }
  if (later) return later.ok();  // it is down
  registry_->drain();
  if (const size_t left = shut_down_connections(at_); left != 0)
    services_.host.log(LogLevel::kDebug, "connections are closed", {{"address", address_}, {"connections", std::to_string(left)}});
  // Not on this thread: gRPC waits inside without a limit, and the host's limit must hold.
  const Status posted = post_blocking(executor_, [self = shared_from_this()] { self->shut_down(); });
  if (!posted.ok()) shut_down();
}

void GrpcServer::shut_down() {
  // A deadline in the past cancels every call; this waits until gRPC has let go of its connections. Handlers answer to a cancelled
  // call at once, whatever the kernel still does for it; what is in flight there comes home on other threads.
  server_->Shutdown(gpr_inf_past(GPR_CLOCK_REALTIME));
  const ion_op op{sizeof(ion_op), 0, 0, 0, [](void* self, const ion_result*) noexcept {
                    const std::unique_ptr<std::shared_ptr<GrpcServer>> own(static_cast<std::shared_ptr<GrpcServer>*>(self));
                    (*own)->all_gone();
                  },
                  new std::shared_ptr<GrpcServer>(shared_from_this()), 0, 0, 0};
  registry_->when_empty(Later(op));
}

void GrpcServer::all_gone() {
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kEmpty;
  }
  post_take_down();
}

void GrpcServer::post_take_down() {
  (void)post_blocking(executor_, [self = shared_from_this()] { self->take_down(); });  // refused: the next tick tries again
}

void GrpcServer::take_down() {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kEmpty) return;  // a second attempt
    phase_ = Phase::kTakingDown;
  }
  server_.reset();
  service_.reset();
  std::vector<Later> stopped;
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kDown;
    stopped.swap(stopped_);
  }
  for (Later& each : stopped) each.ok();  // the last deed: the listener may be destroyed in there
}

void GrpcServer::tick(Instant now) {
  bool empty = false, cut = false;
  {
    const std::lock_guard lock(mutex_);
    empty = phase_ == Phase::kEmpty;
    cut = cut_at_ != Instant{} && now >= cut_at_;
  }
  const auto calls = registry_->calls();
  for (const auto& call : calls) cut ? call->post_cut() : call->post_tick();
  while (Later late = registry_->give_up_waiting(now))
    late.fail(Status(ION_E_DEADLINE, "drain: " + std::to_string(registry_->count()) + " calls are still in progress"));
  if (empty) post_take_down();
}

bool GrpcServer::over() const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::kDown;
}

}  // namespace ion::transport_grpc
