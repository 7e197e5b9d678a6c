#include "kernel.h"

#include "base/asio_timers.h"
#include "base/io_loop.h"
#include "base/logger.h"
#include "base/posix_files.h"
#include "base/shard_pool.h"
#include "base/signals.h"
#include "base/system_clock.h"
#include "base/system_random.h"
#include "cluster/controller.h"
#include "cluster/local_broker.h"
#include "host/plugin_host.h"
#include "observe/health.h"
#include "observe/metric_registry.h"
#include "partition/partition_metrics.h"
#include "api/api_gate.h"
#include "api/broker_api.h"
#include "api/null_broker.h"

#include <fmt/format.h>
#include <ion/bridge/consensus_bridge.h>
#include <ion/bridge/broker_api_bridge.h>
#include <ion/bridge/router_bridge.h>
#include <ion/bridge/storage_bridge.h>
#include <ion/bridge/transport_bridge.h>

#include <chrono>
#include <csignal>
#include <future>
#include <thread>

namespace ion {

namespace {

constexpr Nanos kDrainLimit = seconds(20);     // of one transport; then it is cut
constexpr Nanos kCloseLimit = seconds(30);      // of closing partitions and the metadata log
constexpr Nanos kRecoveryLimit = seconds(3600);  // of opening every log at start

// All shards but the last, which is the control thread of the modules: CONTROL calls may take time and must not sit on a shard.
class WorkShards final : public Executor {
 public:
  explicit WorkShards(base::ShardPool& pool) : pool_(pool) {}
  uint32_t shards() const override { return pool_.shards() - 1; }
  ShardId control() const { return {pool_.shards() - 1}; }
  Status post(ShardId shard, ion_fn fn, void* ctx) override { return pool_.post(shard, fn, ctx); }
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return pool_.run(shard, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override { return pool_.post_blocking(fn, ctx); }

 private:
  base::ShardPool& pool_;
};

// Main waits for something that ends on another thread.
class Awaited {
 public:
  std::function<void(Status)> done() {
    return [promise = promise_](Status status) { promise->set_value(std::move(status)); };
  }
  Status wait(Nanos limit, std::string_view what) {
    if (future_.wait_for(std::chrono::nanoseconds(limit.n)) == std::future_status::ready) return future_.get();
    return {ION_E_DEADLINE, fmt::format("{} took longer than {} s", what, limit.n / 1'000'000'000)};
  }

 private:
  std::shared_ptr<std::promise<Status>> promise_ = std::make_shared<std::promise<Status>>();  // shared: the answer may come after we gave up
  std::future<Status> future_ = promise_->get_future();
};

// An op of a control handle, waited for.
template <class Start>
Status await_op(Start start, Nanos limit, std::string_view what) {
  Awaited awaited;
  call(start, [done = awaited.done()](const ion_result& r) { done(Status::from(r.status, r.err)); });
  return awaited.wait(limit, what);
}

}  // namespace

// In the order in which they are built; destroyed in the reverse one.
struct Kernel::Modules {
  config::KernelConfig config;
  KernelOptions options;

  base::SystemClock clock;
  uint64_t seed = 0;
  std::unique_ptr<base::SpdLogger> logger;
  std::unique_ptr<base::IoLoop> loop;
  std::unique_ptr<base::Signals> signals;
  std::unique_ptr<base::ShardPool> pool;
  std::optional<WorkShards> executor;
  std::unique_ptr<base::AsioTimers> timers;
  std::unique_ptr<base::PosixFiles> data_dir;
  std::unique_ptr<File> lock;
  std::unique_ptr<observe::MetricRegistry> registry;
  std::optional<partition::PartitionMetrics> partition_metrics;
  observe::Health broker_health;

  api::ApiGate gate;
  std::unique_ptr<host::PluginHost> host;
  std::unique_ptr<ImportedStorage> storage;
  ion_ref storage_ref{};
  std::unique_ptr<ImportedConsensus> consensus;
  std::unique_ptr<ImportedRouter> router;
  std::unique_ptr<base::SystemRandom> ids;

  cluster::MetadataView view;
  std::unique_ptr<cluster::LocalBroker> local;
  std::unique_ptr<cluster::Controller> controller;
  pipeline::NodeIdentity identity;
  std::unique_ptr<pipeline::Admission> admission;
  std::unique_ptr<pipeline::InterceptorChain> interceptors;
  std::unique_ptr<pipeline::PipelineServices> pipeline;
  std::unique_ptr<api::LocalBrokerApi> broker_api;
  api::NullBroker null_broker;

  struct Listening {
    std::string name;
    std::unique_ptr<ImportedTransport> transport;
    std::unique_ptr<Listener> listener;
  };
  std::vector<Listening> listeners;
  bool stopped = false;

  Status build_ground();
  Status load_plugins();
  Status build_broker();
  Status open_catalogue();
  Status open_transports();
  Status stop();
  void set_health(ion_health health);
  std::vector<host::PluginSpec> specs() const;
  cluster::TopicSettings topic_defaults() const;
};

namespace {

host::PluginHostOptions host_options(const config::KernelConfig& c) {
  host::PluginHostOptions o;
  o.places.directories = c.plugin_host.extra_directories;
  o.places.directories.insert(o.places.directories.end(), c.plugin_host.directories.begin(), c.plugin_host.directories.end());
  o.places.data_dir = c.node.data_dir;
  for (const auto& [name, hash] : c.plugin_host.allow) o.places.allow.push_back(name + "=" + hash);
  o.allow_drafts = c.plugin_host.allow_drafts;
  o.step_deadline = c.plugin_host.step_deadline;
  o.probe_deadline = c.plugin_host.step_deadline;
  if (!c.plugin_host.probe) o.probe_program.clear();
  return o;
}

std::vector<host::PluginSpec> enabled_specs(const config::KernelConfig& c) {
  std::vector<host::PluginSpec> list;
  for (const config::PluginConfig& p : c.plugins) {
    if (!p.enabled) continue;
    list.push_back({p.name, p.path, [&p](std::string_view schema) -> Result<std::string> {
                      ION_TRY(config::CheckedConfig checked, config::check_plugin_config(p.config, p.name, schema));
                      return std::move(checked.json);
                    }});
  }
  return list;
}

LogLevel level_of(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warn") return LogLevel::kWarn;
  return name == "error" ? LogLevel::kError : LogLevel::kInfo;
}

}  // namespace

// ---- the ground: threads, clocks, files

Status Kernel::Modules::build_ground() {
  ION_TRY(seed, base::SystemRandom::fresh_seed());
  base::LogOptions log;
  log.format = config.log.format == "json" ? base::LogFormat::kJson : base::LogFormat::kText;
  log.level = level_of(config.log.level);
  ION_TRY(logger, base::SpdLogger::start(clock, log));
  ION_TRY(loop, base::IoLoop::start());
  ION_TRY(signals, base::Signals::start(*loop, [this](int signal) {
            if (signal == SIGHUP) logger->warn("SIGHUP: a running broker takes no new configuration yet, restart it");
          }));
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  base::ShardPoolOptions threads;
  threads.shards = (config.threads.shards == 0 ? cores : config.threads.shards) + 1;
  threads.shard.tasks_max = config.threads.shard_queue;
  threads.blocking.threads = config.threads.blocking;
  ION_TRY(pool, base::ShardPool::start(threads));
  executor.emplace(*pool);
  timers = std::make_unique<base::AsioTimers>(clock, *pool, *loop);
  registry = std::make_unique<observe::MetricRegistry>(cores);
  ION_TRY(partition_metrics, partition::PartitionMetrics::declare(*registry));

  ION_TRY(data_dir, base::PosixFiles::open(config.node.data_dir));
  auto locked = data_dir->open("ionstreamd.lock", ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_LOCK);
  if (!locked && locked.error().code() == ION_E_BUSY)
    return {ION_E_BUSY, fmt::format("data directory {} is in use by another ionstreamd", config.node.data_dir)};
  if (!locked) return std::move(locked).error();
  lock = *std::move(locked);
  return {};
}

Status Kernel::Modules::load_plugins() {
  host::HostEnvironment world{clock, *executor, *timers, *logger, {}, {}, {}, {}, registry.get(), {}};
  world.logger_for = [this](const std::string& name) -> std::unique_ptr<Logger> { return logger->child("plugin/" + name); };
  world.random_for = [this](const std::string& name) -> std::unique_ptr<Random> { return std::make_unique<base::SystemRandom>(seed, name); };
  world.files_for = [](const std::string& directory) -> Result<std::unique_ptr<Files>> {
    ION_TRY(auto files, base::PosixFiles::open(directory));
    return std::unique_ptr<Files>(std::move(files));
  };
  world.node = {NodeId{config.node.id}, config.node.rack, config.node.cluster, options.version};
  world.services.push_back({ION_BROKER_API_ID, [this](std::string_view) -> Result<ion_ref> {
                              return ion_ref{&export_broker_api, static_cast<BrokerApi*>(&gate)};
                            }});
  host::PluginHostOptions host_settings = host_options(config);
  host_settings.on_fault = [this](const std::string& name, const Status& why) {
    logger->error("a plugin is out of service", {{"plugin", name}, {"why", why.text()}});
  };
  host = std::make_unique<host::PluginHost>(std::move(world), std::move(host_settings));
  std::vector<host::PluginSpec> list = enabled_specs(config);
  ION_CHECK(host->load(list));
  return host->start();
}

cluster::TopicSettings Kernel::Modules::topic_defaults() const {
  cluster::TopicSettings settings;
  settings.fsync = config.topics.durability == "fsync";
  settings.segment_bytes = config.topics.segment_bytes;
  return settings;
}

// ---- the broker behind the broker API

Status Kernel::Modules::build_broker() {
  identity = {NodeId{config.node.id}, config.node.cluster, config.node.rack, options.version, config.node.advertised, clock.wall()};
  if (options.null_broker) return {};
  ION_TRY(storage_ref, host->contract(ION_STORAGE_ID));
  storage = std::make_unique<ImportedStorage>(storage_ref);
  ION_TRY(const ion_ref consensus_ref, host->contract(ION_CONSENSUS_ID));
  consensus = std::make_unique<ImportedConsensus>(consensus_ref);
  if (const auto found = host->contract(ION_ROUTER_ID)) router = std::make_unique<ImportedRouter>(*found);
  else logger->warn("no plugin provides ion.router/1: requests must name their partition");

  const bool volatile_storage = (storage->caps() & ION_STORAGE_VOLATILE) != 0;
  cluster::TopicSettings defaults = topic_defaults();
  if (volatile_storage && defaults.fsync) {
    logger->warn("the storage plugin keeps records in memory only: topics are made with durability=os");
    defaults.fsync = false;
  }
  const partition::PartitionServices around{*executor, *timers, clock, *logger, *partition_metrics, broker_health};
  local = std::make_unique<cluster::LocalBroker>(cluster::LocalBrokerServices{around, *storage, view, executor->control(), defaults});
  ids = std::make_unique<base::SystemRandom>(seed, "kernel/ids");
  controller = std::make_unique<cluster::Controller>(
      cluster::ControllerServices{*executor, *timers, clock, *logger, *ids, router.get(), identity.node, ShardId{0},
                               cluster::ClusterLimits{config.limits.topics_max, config.limits.partitions_max}, defaults, broker_health, volatile_storage},
      *local);

  admission = std::make_unique<pipeline::Admission>(config.limits.inflight_bytes_max);
  interceptors = std::make_unique<pipeline::InterceptorChain>(
      pipeline::ChainServices{clock, *timers, *logger, ShardId{0}, [] { return base::SystemClock::thread_cpu(); }});
  for (const host::NamedRef& ref : host->contracts(ION_INTERCEPTOR_ID)) {
    pipeline::InterceptorPolicy policy;
    policy.name = ref.name;
    policy.ref = ref.ref;
    ION_TRY(policy.metrics, pipeline::InterceptorMetrics::declare(*registry, ref.name));
    policy.misbehaved = [this, name = ref.name](const Status& why) { host->report(name, why); };
    for (const config::PluginConfig& p : config.plugins)
      if (p.name == ref.name) {
        policy.on_error = p.on_error == "open" ? pipeline::OnError::kOpen : pipeline::OnError::kClosed;
        policy.on_reject = p.on_reject == "record" ? pipeline::OnReject::kRecord : pipeline::OnReject::kBatch;
        policy.budget = p.budget;
        policy.pending_deadline = p.pending_deadline;
        policy.breaker = {p.breaker.failure_percent, p.breaker.calls_min, p.breaker.window, p.breaker.pause};
      }
    ION_CHECK(interceptors->add(std::move(policy)));
  }
  pipeline::PipelineLimits limits;
  limits.record_bytes_max = config.limits.record_bytes_max;
  limits.batch_bytes_max = config.limits.batch_bytes_max;
  limits.fetch_bytes_max = config.limits.fetch_bytes_max;
  limits.fetch_wait_max = config.limits.fetch_wait_max;
  limits.inflight_bytes_max = config.limits.inflight_bytes_max;
  limits.partitions_default = config.topics.partitions;
  pipeline.reset(new pipeline::PipelineServices{clock, *logger, view, router.get(), *interceptors, *admission, limits});
  broker_api = std::make_unique<api::LocalBrokerApi>(*pipeline, *controller, *local, identity, [this](ion_plugin_fn each, void* ctx) {
    for (const host::PluginInfo& p : host->plugins()) {
      const std::string provides = fmt::format("{}", fmt::join(p.provides, ",")), needs = fmt::format("{}", fmt::join(p.needs, ","));
      const ion_plugin_info info{sizeof(ion_plugin_info), static_cast<uint32_t>(p.state), bytes_of(p.name), bytes_of(p.id), bytes_of(p.version),
                                 bytes_of(p.build), bytes_of(p.file), bytes_of(p.sha256), bytes_of(provides), bytes_of(needs),
                                 bytes_of(p.last_error), p.faults};
      each(ctx, &info);
    }
  });
  ION_CHECK(broker_api->declare_metrics(*registry));
  return open_catalogue();
}

Status Kernel::Modules::open_catalogue() {
  Awaited inspected;
  local->inspect_storage(inspected.done());
  ION_CHECK(inspected.wait(kRecoveryLimit, "listing the logs"));
  Awaited opened;
  ION_CHECK(post(*executor, executor->control(), [this, done = opened.done()] {
    RoleScope scope(control_role);
    controller->open(*consensus, storage_ref, done);
  }));
  ION_CHECK(opened.wait(kRecoveryLimit, "reading the metadata log"));
  Awaited served;
  local->start(*controller, served.done());
  return served.wait(kRecoveryLimit, "opening the partitions");
}

// ---- transports

Status Kernel::Modules::open_transports() {
  for (const host::NamedRef& ref : host->contracts(ION_TRANSPORT_ID)) {
    Listening d{ref.name, std::make_unique<ImportedTransport>(ref.ref), nullptr};
    auto listener = d.transport->listen("");
    if (!listener) return {listener.error().code(), fmt::format("plugin {}: {}", ref.name, listener.error().message())};
    d.listener = *std::move(listener);
    if (identity.address.empty()) identity.address = d.listener->address();
    listeners.push_back(std::move(d));
  }
  if (listeners.empty()) return {ION_E_NOT_FOUND, "no plugin provides ion.transport/1: nobody could reach this broker"};
  registry->freeze();
  null_broker.set_address(identity.address);
  if (options.null_broker) gate.open(null_broker);
  else gate.open(*broker_api);
  set_health(ION_HEALTH_SERVING);
  return {};
}

void Kernel::Modules::set_health(ion_health health) {
  null_broker.set_health(health);
  if (broker_api != nullptr) broker_api->set_health(health);
}

// Right to left. Goes on after a failure and answers the first.
Status Kernel::Modules::stop() {
  if (std::exchange(stopped, true)) return {};
  Status first;
  const auto note = [&](const Status& s) {
    if (s.ok()) return;
    if (logger != nullptr) logger->error("while stopping", {{"why", s.text()}});
    if (first.ok()) first = s;
  };
  set_health(ION_HEALTH_DRAINING);
  if (interceptors != nullptr) interceptors->stop();  // what an interceptor keeps must not hold the transports
  for (Listening& d : listeners) {
    note(await_op([&](Op& op) { return d.listener->drain(op); }, kDrainLimit, "draining " + d.name));
    note(await_op([&](Op& op) { return d.listener->stop(op); }, kDrainLimit, "stopping " + d.name));
  }
  if (local != nullptr && controller != nullptr) {
    Awaited closed;
    local->stop(closed.done());
    note(closed.wait(kCloseLimit, "closing the partitions"));
    Awaited group;
    note(post(*executor, executor->control(), [this, done = group.done()] {
      RoleScope scope(control_role);
      controller->close(done);
    }));
    note(group.wait(kCloseLimit, "closing the metadata log"));
  }
  if (host != nullptr) note(host->drain());
  if (pool != nullptr) note(pool->stop(kCloseLimit));
  if (host != nullptr) note(host->destroy());
  if (loop != nullptr) loop->stop();
  if (logger != nullptr) (void)logger->flush(seconds(2));
  return first;
}

// ---- the kernel

Kernel::Kernel(std::unique_ptr<Modules> modules) : modules_(std::move(modules)) {}
Kernel::~Kernel() { (void)modules_->stop(); }

Result<std::unique_ptr<Kernel>> Kernel::start(const config::Loaded& loaded, const KernelOptions& options) {
  auto modules = std::make_unique<Modules>();
  modules->config = loaded.kernel;
  modules->options = options;
  std::unique_ptr<Kernel> kernel(new Kernel(std::move(modules)));
  Modules& r = *kernel->modules_;
  ION_CHECK(r.build_ground());
  ION_CHECK(r.load_plugins());
  ION_CHECK(r.build_broker());
  ION_CHECK(r.open_transports());
  return kernel;
}

std::string Kernel::ready_line() const {
  std::string line = "ready";
  for (const Modules::Listening& d : modules_->listeners) line += " " + d.listener->address();
  return fmt::format("{} node={} cluster={} version={}", line, modules_->identity.node.v, modules_->identity.cluster_id, modules_->identity.version);
}

int Kernel::wait() { return modules_->signals->wait_for_stop(); }

Status Kernel::stop() { return modules_->stop(); }

Result<config::ConfigSnapshot> Kernel::check(const config::Loaded& loaded) {
  config::ConfigSnapshot snapshot = loaded.snapshot;
  std::vector<host::PluginSpec> list = enabled_specs(loaded.kernel);
  for (size_t i = 0; i < list.size(); ++i) {
    const config::PluginConfig* p = nullptr;
    for (const config::PluginConfig& candidate : loaded.kernel.plugins)
      if (candidate.name == list[i].name) p = &candidate;
    list[i].check = [&snapshot, p](std::string_view schema) -> Result<std::string> {
      ION_TRY(config::CheckedConfig checked, config::check_plugin_config(p->config, p->name, schema));
      snapshot = snapshot.with_plugin(p->name, checked);
      return checked.json;
    };
  }
  base::SystemClock clock;
  observe::MetricRegistry registry(1);
  struct Nowhere final : Executor, Timers, Logger {  // check() runs no plugin code, so nothing is asked of these
    uint32_t shards() const override { return 1; }
    Status post(ShardId, ion_fn, void*) override { return {ION_E_CLOSED, "only a check"}; }
    Status run(ShardId, ion_fn, void*) override { return {ION_E_CLOSED, "only a check"}; }
    Status post_blocking(ion_fn, void*) override { return {ION_E_CLOSED, "only a check"}; }
    Result<TimerHandle> arm(ShardId, Instant, ion_fn, void*) override { return Status(ION_E_CLOSED, "only a check"); }
    bool disarm(TimerHandle) override { return false; }
    void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  } nowhere;
  host::HostEnvironment world{clock, nowhere, nowhere, nowhere, {}, {}, {}, {}, &registry, {}};
  world.services.push_back({ION_BROKER_API_ID, [](std::string_view) -> Result<ion_ref> { return Status(ION_E_CLOSED, "only a check"); }});
  const host::PluginHost checker(std::move(world), host_options(loaded.kernel));
  ION_CHECK(checker.check(list));
  return snapshot;
}

}  // namespace ion
