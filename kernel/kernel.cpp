#include "kernel.h"

#include "api/api_gate.h"
#include "api/null_broker.h"
#include "awaited.h"
#include "config_check.h"
#include "data_dir.h"
#include "observe/kernel_events.h"
#include "observe/metric_registry.h"
#include "plugin_set.h"
#include "stop_order.h"
#include "topic_server.h"

#include <ion/bridge/transport_bridge.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace ion {
namespace {

constexpr Nanos kDrainLimit = seconds(3);  // of one transport: who has not read its answers by then is cut off
constexpr Nanos kCutLimit = seconds(10);   // of cutting them off, which waits for no peer

struct Listening {
  std::string name;
  std::unique_ptr<ImportedTransport> transport;
  std::unique_ptr<Listener> listener;
};

}  // namespace

// In the order in which they are built; destroyed in the reverse one, and only when stop_order has left nothing running.
struct Broker::Parts {
  Parts(World& w, config::Loaded l, BrokerOptions o) : world(w), loaded(std::move(l)), options(std::move(o)), metrics(w.cores()) {}

  World& world;
  const config::Loaded loaded;
  config::ConfigSnapshot latest = loaded.snapshot;  // as last read; differs from `loaded` after a reload
  const BrokerOptions options;
  StopOrder stop_order;
  Status stopped;
  observe::MetricRegistry metrics;
  observe::KernelEvents events;
  api::ApiGate gate;
  api::NullBroker null_broker;
  pipeline::NodeIdentity identity;
  DataDir data_dir;
  std::unique_ptr<PluginSet> plugins;
  std::unique_ptr<TopicServer> topics;
  std::vector<Listening> listeners;

  const config::KernelConfig& config() const { return loaded.kernel; }
  Logger& logger() const { return world.logger(); }
  Status start();
  Status take_data_dir();
  Status start_plugins();
  Status serve_topics();
  Status open_listeners();
  Status close_listener(Listening& listening, Nanos left);
  void set_health(ion_health health);
};

Status Broker::Parts::start() {
  stop_order.push("work of the broker", [this](Nanos left) { return world.stop_work(left); });
  logger().info("the broker starts", {{"version", options.version},
                                      {"configuration", loaded.files.empty() ? "built-in defaults" : fmt::format("{}", fmt::join(loaded.files, ", "))},
                                      {"data_dir", config().node.data_dir},
                                      {"node", std::to_string(config().node.id)},
                                      {"descriptors_for_logs", std::to_string(world.descriptors_max())}});
  identity = {NodeId{config().node.id}, config().node.cluster, config().node.rack, options.version, config().node.advertised, world.clock().wall()};
  ION_CHECK(check_settings(config()));
  ION_CHECK(take_data_dir());
  ION_CHECK(start_plugins());
  if (!options.null_broker) ION_CHECK(serve_topics());
  metrics.freeze();
  if (options.null_broker) gate.open(null_broker);
  else gate.open(topics->api());
  stop_order.push("requests", [this](Nanos) { return set_health(ION_HEALTH_DRAINING), Status(); });
  ION_CHECK(open_listeners());
  set_health(ION_HEALTH_SERVING);
  return {};
}

Status Broker::Parts::take_data_dir() {
  ION_TRY(data_dir, DataDir::take(world, config().node.data_dir, options.process));
  stop_order.push("the lock of the data directory", [this](Nanos) { return data_dir.lock->close(); });
  return refuse_unfinished_copy(*data_dir.files, config().node.data_dir);
}

// Drained while shards still run, destroyed when nothing runs any more.
Status Broker::Parts::start_plugins() {
  plugins = std::make_unique<PluginSet>(world, loaded, options, gate, metrics, events);
  stop_order.push("plugins", [this](Nanos left) { return plugins->host().destroy(left); });
  stop_order.push("work of the broker", [this](Nanos left) { return world.stop_work(left); });
  stop_order.push("work of plugins", [this](Nanos left) { return plugins->host().drain(left); });
  return plugins->start();
}

Status Broker::Parts::serve_topics() {
  ION_TRY(topics, TopicServer::build(world, *data_dir.files, config(), *plugins, metrics, events, identity));
  stop_order.push("the metadata log", [this](Nanos left) { return topics->close_metadata(left); });
  ION_CHECK(topics->open_metadata());
  stop_order.push("partitions", [this](Nanos left) { return topics->close_partitions(left); });
  return topics->open_partitions();
}

Status Broker::Parts::open_listeners() {
  for (const host::NamedRef& ref : plugins->host().contracts(ION_TRANSPORT_ID)) {
    Listening opening{ref.name, std::make_unique<ImportedTransport>(ref.ref), nullptr};
    auto listener = opening.transport->listen("");
    if (!listener) return {listener.error().code(), fmt::format("plugin {}: {}", ref.name, listener.error().message()), listener.error().reason()};
    opening.listener = *std::move(listener);
    if (identity.address.empty()) identity.address = opening.listener->address();
    logger().info("clients are served", {{"plugin", ref.name}, {"address", opening.listener->address()}});
    listeners.push_back(std::move(opening));
    stop_order.push("clients of plugin " + ref.name, [this, at = listeners.size() - 1](Nanos left) { return close_listener(listeners[at], left); });
  }
  null_broker.set_address(identity.address);
  return {};
}

// New requests are refused first, then those that are under way get their answers; a peer that takes too long is told by nobody.
Status Broker::Parts::close_listener(Listening& listening, Nanos left) {
  const Instant end = world.clock().now() + left;
  set_health(ION_HEALTH_DRAINING);
  if (topics != nullptr) topics->stop_interceptors();
  const Status drained = await_op(world, [&](Op& op) { return listening.listener->drain(op); }, std::min(kDrainLimit, left), "answering the last requests");
  if (drained.code() == ION_E_DEADLINE)
    logger().warn("clients that do not take their answers are cut off", {{"plugin", listening.name}, {"after_ms", std::to_string(kDrainLimit.n / 1'000'000)}});
  const Status cut = await_op(world, [&](Op& op) { return listening.listener->stop(op); }, std::clamp(end - world.clock().now(), Nanos{}, kCutLimit), "closing the listener of " + listening.name);
  return drained.ok() || drained.code() == ION_E_DEADLINE ? cut : drained;
}

void Broker::Parts::set_health(ion_health health) {
  null_broker.set_health(health);
  if (topics != nullptr) topics->set_health(health);
}

// ---- the broker

namespace {
// Whether the key lies in the section of a plugin that was loaded and still is wanted: PluginSet::reload speaks of it.
bool is_of_loaded_plugin(const config::KernelConfig& loaded, const config::KernelConfig& next, std::string_view path) {
  const auto holds = [path](const config::PluginConfig& p) {
    const std::string& section = p.config.path;
    return !section.empty() && path.starts_with(section) && (path.size() == section.size() || path[section.size()] == '.');
  };
  const auto enabled = [](const config::KernelConfig& c, const std::string& name) {
    return std::any_of(c.plugins.begin(), c.plugins.end(), [&](const config::PluginConfig& p) { return p.enabled && p.name == name; });
  };
  for (const config::KernelConfig* side : {&loaded, &next})
    for (const config::PluginConfig& p : side->plugins)
      if (holds(p)) return enabled(loaded, p.name) && enabled(next, p.name);
  return false;
}
}  // namespace

LogLevel log_level(const config::LogConfig& log) {
  if (log.level == "debug") return LogLevel::kDebug;
  if (log.level == "warn") return LogLevel::kWarn;
  return log.level == "error" ? LogLevel::kError : LogLevel::kInfo;
}

Broker::Broker(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Broker::~Broker() {
  if (!stop().ok()) (void)parts_.release();  // something may still run: destroying what it uses would be worse than leaving it
}

Result<std::unique_ptr<Broker>> Broker::start(const config::Loaded& loaded, const BrokerOptions& options, World& world) {
  std::unique_ptr<Broker> broker(new Broker(std::make_unique<Parts>(world, loaded, options)));
  const Status started = broker->parts_->start();
  if (!started.ok()) {
    world.logger().error("the broker could not start", {{"why", started.text()}});
    (void)broker->stop();  // what fails there is in the log; the cause is what the caller must hear
    return started;
  }
  world.logger().info("the broker is ready", {{"addresses", broker->ready_line()}});
  return broker;
}

BrokerApi& Broker::api() { return parts_->gate; }

std::string Broker::ready_line() const {
  std::string line = "ready";
  for (const Listening& l : parts_->listeners) line += " " + l.listener->address();
  const pipeline::NodeIdentity& who = parts_->identity;
  return fmt::format("{} node={} cluster={} version={}", line, who.node.v, who.cluster_id, who.version);
}

void Broker::reload(const config::Loaded& next) {
  Logger& logger = parts_->logger();
  auto plugins = parts_->plugins->reload(next.kernel, parts_->topics == nullptr ? nullptr : &parts_->topics->interceptors());
  if (!plugins) return logger.error("SIGHUP: the configuration is not good, the broker goes on with the one it has", {{"why", plugins.error().message()}});
  for (const config::Change& change : parts_->latest.changes_to(next.snapshot))
    if (change.reloadable) plugins->changed.push_back(change.path);
  for (const config::Change& change : parts_->loaded.snapshot.changes_to(next.snapshot))
    if (!change.reloadable && !is_of_loaded_plugin(parts_->config(), next.kernel, change.path)) plugins->waiting.push_back(change.path);
  for (const std::string& key : plugins->changed) logger.info("a setting was changed", {{"key", key}});
  for (const std::string& key : plugins->waiting) logger.warn("a changed setting waits for a restart", {{"key", key}});
  if (!plugins->changed.empty()) parts_->events.publish({observe::KernelEventKind::kConfigChanged, {}, {}, 0, plugins->changed});
  const size_t later = plugins->waiting.size();
  parts_->world.set_log_level(log_level(next.kernel.log));
  parts_->latest = next.snapshot;
  logger.info("the configuration was read again", {{"settings_that_wait_for_a_restart", std::to_string(later)}});
}

Status Broker::stop() {
  Parts& p = *parts_;
  if (p.stop_order.empty()) return p.stopped;
  if (p.options.stopping) p.options.stopping();
  p.logger().info("the broker stops");
  p.events.publish({observe::KernelEventKind::kDrainBegan, {}, {}, 0, {}});
  p.stopped = p.stop_order.run(p.logger(), p.world.clock(), kStopLimit);
  if (p.stopped.ok()) p.logger().info("the broker has stopped");
  return p.stopped;
}

}  // namespace ion
