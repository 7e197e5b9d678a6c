#include "io/transport_grpc.h"

#include "core/listen_address.h"
#include "io/all_rpcs.h"
#include "io/grpc_log.h"
#include "io/poller_wakeup.h"
#include "io/reflection_codec.h"

#include <ion/abi/host/rpc.h>
#include <ion/bridge/transport_bridge.h>

#include <grpc/grpc.h>

#include <utility>

namespace ion::transport_grpc {
namespace {

// What the host holds of a server. It ends inside the completion of stop.
class GrpcListener final : public Listener {
 public:
  explicit GrpcListener(std::shared_ptr<GrpcServer> server) : server_(std::move(server)) {}
  std::string address() override { return server_->address(); }
  Answer drain(Op& op) override {
    server_->drain(op.later());
    return op.pending();
  }
  Answer stop(Op& op) override {
    Later later = op.later();
    const std::shared_ptr<GrpcServer> server = server_;  // this object may end before stop() returns
    server->stop(std::move(later));
    return op.pending();
  }

 private:
  const std::shared_ptr<GrpcServer> server_;
};

// An op whose end is a function of ours.
template <class F>
Later later_of(F done) {
  auto* kept = new F(std::move(done));
  const ion_op op{sizeof(ion_op), 0, 0, 0, [](void* f, const ion_result* r) noexcept {
                    const std::unique_ptr<F> own(static_cast<F*>(f));
                    (*own)(Status::from(r->status, r->err));
                  },
                  kept, 0, 0, 0};
  return Later(op);
}

}  // namespace

Result<std::unique_ptr<TransportGrpc>> TransportGrpc::create(Host host, Config config) {
  if (const auto listen = parse_listen_address(config.listen); !listen) return listen.error();  // what cannot be listened to is no configuration
  ION_TRY(const ion_ref executor, host.get(ION_EXECUTORS_ID));
  ION_TRY(const ion_ref timers, host.get(ION_TIMERS_ID));
  ION_TRY(const ion_ref random, host.get(ION_RANDOM_ID));
  std::unique_ptr<TransportGrpc> made(new TransportGrpc(host, std::move(config), executor, timers, random));
  if (const auto metrics = host.get(ION_METRICS_ID)) ION_CHECK(made->services_.metrics.declare(*metrics, made->services_.rpcs));
  if (const auto rpc = host.get(ION_RPC_ID)) made->services_.rpc = *rpc;
  return made;
}

TransportGrpc::TransportGrpc(Host host, Config config, ion_ref executor, ion_ref timers, ion_ref random)
    : services_(host, std::move(config), all_rpcs()), executor_(executor), timers_(timers), random_(random), clock_(host.raw()),
      reflection_(std::make_unique<Reflection>(services_.rpcs.services())),
      ticker_(executor_, timers_, clock_, [this](Instant now) {
        for (const auto& server : servers()) server->tick(now);
      }) {
  services_.random = &random_;
  services_.opening = &opening_;
  services_.reflection = reflection_.get();
}

TransportGrpc::~TransportGrpc() { leave_grpc_log(services_.host); }

const void* TransportGrpc::table(std::string_view contract) {
  return contract == ION_TRANSPORT_ID ? &export_transport<TransportGrpc> : nullptr;
}

Status TransportGrpc::start() {
  ION_TRY(const ion_ref api, services_.host.get(ION_BROKER_API_ID));
  services_.api = &api_.emplace(api);
  // Ids that other callers of the same broker API do not use: the upper half by chance, the lower half counts.
  services_.op_ids = (random_.u64() << 32) + 1;
  return {};
}

Status TransportGrpc::reconfigure(Config config) {
  services_.reloadable.take(config);
  for (const auto& server : servers()) server->limit_calls(config.calls_max);
  return {};
}

Result<std::unique_ptr<Listener>> TransportGrpc::listen(std::string_view url) {
  if (services_.api == nullptr || draining_) return Status(ION_E_CLOSED, "transport-grpc listens between start and drain");
  ION_TRY(const ListenAddress at, parse_listen_address(url.empty() ? std::string_view(services_.config.listen) : url));
  if (!std::exchange(grpc_begun_, true)) {
    take_grpc_log(services_.host);
    grpc_init();
    ION_CHECK(learn_descriptors());
    ION_CHECK(ticker_.start());
  }
  auto server = std::make_shared<GrpcServer>(services_, executor_);
  ION_CHECK(server->open(at));
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(servers_, [](const auto& each) { return each->over(); });
    servers_.push_back(server);
  }
  services_.host.log(LogLevel::kInfo, "gRPC listens", {{"address", server->address()}});
  return std::unique_ptr<Listener>(std::make_unique<GrpcListener>(std::move(server)));
}

// Sets of plugins that started before us. A bad one costs its plugin the reflection, nothing else.
Status TransportGrpc::learn_descriptors() {
  const auto* rpc = static_cast<const ion_rpc*>(services_.rpc.table);
  if (rpc == nullptr || !ION_HAS(rpc, descriptors)) return {};
  std::vector<std::string> sets;
  ION_CHECK(Status::from(rpc->descriptors(services_.rpc.self, [](void* to, ion_bytes set, uint64_t) noexcept {
    static_cast<std::vector<std::string>*>(to)->emplace_back(text_of(set));
  }, &sets), nullptr));
  for (const std::string& set : sets)
    if (const Status added = reflection_->add(set); !added.ok())
      services_.host.log(LogLevel::kWarn, "a plugin's descriptors are left out of reflection", {{"why", added.text()}});
  return {};
}

std::vector<std::shared_ptr<GrpcServer>> TransportGrpc::servers() {
  const std::lock_guard lock(mutex_);
  return servers_;
}

Answer TransportGrpc::drain(Op& op) {
  draining_ = true;
  stop_next(std::make_shared<Later>(op.later()));  // shared: std::function inside of completions copies
  return op.pending();
}

// Servers one after the other, then the ticker, then gRPC itself. The host has usually stopped the servers before.
void TransportGrpc::stop_next(std::shared_ptr<Later> drained) {
  for (const auto& server : servers()) {
    if (server->over()) continue;
    return server->stop(later_of([this, drained](const Status&) { stop_next(drained); }));
  }
  ticker_.stop(later_of([this, drained](const Status&) {
    const Status posted = post_blocking(executor_, [this, drained] { end_grpc(std::move(*drained)); });
    if (!posted.ok()) end_grpc(std::move(*drained));
  }));
}

// Our reference to gRPC is the last of this plugin: its threads end here, not in the destructors of libraries at exit.
void TransportGrpc::end_grpc(Later drained) {
  if (std::exchange(grpc_begun_, false)) {
    wake_backup_poller();
    grpc_shutdown_blocking();
  }
  drained.ok();
}

}  // namespace ion::transport_grpc
