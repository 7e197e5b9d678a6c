#include "topic_server.h"

#include "awaited.h"
#include "config/key_path.h"
#include "config_print.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace ion {
namespace {

constexpr Nanos kRecoveryLimit = seconds(3600);  // of opening every log at start
// Of the blocking pool's threads: the others are left for what the disk does.
constexpr size_t kOpeningAtOnceMax = 1, kOpeningWaitingMax = 4096;
constexpr size_t kCompactingAtOnce = 1, kCompactingWaiting = 64;  // one run at a time has one job at a time
constexpr Nanos kLookLimit = seconds(5);         // of finding out whether there is space; a start does not wait longer for it

// The entry of a plugin in the configuration as fields, those first that somebody set. What only interceptors have is left out of others.
struct EntryFields {
  EntryFields(const config::ConfigSnapshot& snapshot, const std::string& name, bool interceptor) {
    const std::string entry = config::member_path("plugins", name);
    std::vector<const config::Node*> settings = snapshot.settings(entry);
    const auto set = [](const config::Node* s) { return s->origin.layer != config::Layer::kDefault; };
    std::stable_partition(settings.begin(), settings.end(), set);
    for (const config::Node* s : settings) {
      const std::string key = s->path.substr(entry.size() + 1);
      if (!interceptor && key != "path" && !key.starts_with("config.")) continue;
      if (s->is(config::Kind::kObject)) continue;  // without keys
      texts.emplace_back(key, setting_text(*s));
      nset += set(s) ? 1 : 0;
    }
    for (const auto& [key, value] : texts) fields.push_back({bytes_of(key), bytes_of(value)});
  }
  std::deque<std::pair<std::string, std::string>> texts;  // do not move
  std::vector<ion_field> fields;
  uint32_t nset = 0;
};

ion_interceptor_info interceptor_info(const pipeline::InterceptorReport& r) {
  using Breaker = pipeline::InterceptorReport::Breaker;
  const uint32_t breaker = r.breaker == Breaker::kOff ? ION_BREAKER_OFF : r.breaker == Breaker::kClosed ? ION_BREAKER_CLOSED : ION_BREAKER_OPEN;
  return {sizeof(ion_interceptor_info), r.hooks, r.counts.calls, r.counts.slow, r.counts.failed, r.counts.rejected, r.counts.dropped, r.counts.passed_over,
          breaker, 0, r.since.ms, r.until ? r.until->ms : -1};
}

std::function<void(ion_plugin_fn, void*)> lister(PluginSet& plugins, const pipeline::InterceptorChain& interceptors) {
  return [&plugins, &interceptors](ion_plugin_fn each, void* ctx) {
    for (const host::PluginInfo& p : plugins.host().plugins()) {
      const std::string provides = fmt::format("{}", fmt::join(p.provides, ",")), needs = fmt::format("{}", fmt::join(p.needs, ","));
      const std::string remarks = fmt::format("{}", fmt::join(p.remarks, "\n"));
      const auto report = interceptors.report(p.name);
      const ion_interceptor_info did = report ? interceptor_info(*report) : ion_interceptor_info{};
      const config::ConfigSnapshot configuration = plugins.configuration();
      const EntryFields entry(configuration, p.name, report.has_value());
      const ion_plugin_info info{sizeof(ion_plugin_info), static_cast<uint32_t>(p.state), bytes_of(p.name), bytes_of(p.id), bytes_of(p.version),
                                 bytes_of(p.build), bytes_of(p.file), bytes_of(p.sha256), bytes_of(provides), bytes_of(needs), bytes_of(p.last_error),
                                 p.faults, bytes_of(p.abi), entry.fields.data(), static_cast<uint32_t>(entry.fields.size()), entry.nset,
                                 report ? &did : nullptr, bytes_of(remarks), p.leases.buffers, p.leases.bytes,
                                 p.leases.oldest ? p.leases.oldest->n / 1'000'000 : -1, p.generation, 0};
      each(ctx, &info);
    }
  };
}

}  // namespace

cluster::TopicSettings TopicServer::defaults() const {
  cluster::TopicSettings settings;
  settings.segment_bytes = config_.topics.segment_bytes, settings.batch_bytes_max = config_.limits.batch_bytes_max;
  settings.producer_expiry = config_.topics.producer_expiry;
  settings.segment_age = config_.topics.segment_age;
  settings.retention_age = config_.topics.retention_age, settings.retention_bytes = config_.topics.retention_bytes;
  settings.fsync = config_.topics.durability == "fsync" && !volatile_storage();
  return settings;
}

pipeline::PipelineLimits TopicServer::limits() const {
  pipeline::PipelineLimits limits;
  limits.record_bytes_max = config_.limits.record_bytes_max;
  limits.batch_bytes_max = config_.limits.batch_bytes_max;
  limits.decompressed_bytes_max = config_.limits.decompressed_bytes_max;
  limits.fetch_bytes_max = config_.limits.fetch_bytes_max;
  limits.fetch_wait_max = config_.limits.fetch_wait_max;
  limits.inflight_bytes_max = config_.limits.inflight_bytes_max;
  limits.partitions_default = config_.topics.partitions;
  return limits;
}

TopicServer::TopicServer(World& world, Files& data_dir, PluginSet& plugins, const config::KernelConfig& config, partition::PartitionMetrics metrics, observe::KernelEvents& events)
    : world_(world), plugins_(plugins), config_(config), partition_metrics_(std::move(metrics)),
      reserve_(data_dir, world.executor(), world.logger()),
      space_({world.timers(), world.clock(), world.logger(), health_, world.control_shard(), [this](std::function<void(Status)> done) { ask_for_space(std::move(done)); }}), 
      compaction_random_(world.random_for("kernel/compaction")), compaction_turns_({world.executor(), world.timers(), world.clock()}, ShardId{0}, world.logger()),
      compaction_jobs_(world.executor(), {kCompactingAtOnce, kCompactingWaiting}),
      compaction_{{config.topics.compaction_bytes_per_second, config.topics.compaction_key_bytes_max}, key_secret(), compaction_turns_, compaction_jobs_},
      ids_(world.random_for("kernel/ids")),
      local_({{world.executor(), world.timers(), world.clock(), world.logger(), partition_metrics_, health_, space_, can_compact() ? &compaction_ : nullptr}, plugins.storage(), view_,
              world.control_shard(), defaults(), world.descriptors_max(), config.topics.reopen_pause_max, world.maps_max()}),
      topic_events_(local_, events),
      controller_({world.executor(), world.timers(), world.clock(), world.logger(), *ids_, plugins.router(), NodeId{config.node.id},
                   ShardId{0}, cluster::ClusterLimits{config.limits.topics_max, config.limits.partitions_max, world.descriptors_max(), world.maps_max()}, defaults(), health_, space_,
                   volatile_storage(), volatile_storage() ? nullptr : &reserve_, can_compact()},
                  topic_events_),
      admission_(config.limits.inflight_bytes_max), codecs_(config.limits.decompressed_bytes_max),
      opening_(world.executor(), {kOpeningAtOnceMax, kOpeningWaitingMax}),
      interceptors_({world.clock(), world.timers(), world.logger(), world.control_shard(), [&world] { return world.thread_cpu(); }, health_}),
      pipeline_{world.clock(), world.logger(), view_, plugins.router(), interceptors_, admission_, codecs_, limits(), health_, opening_} {}

Result<std::unique_ptr<TopicServer>> TopicServer::build(World& world, Files& data_dir, const config::KernelConfig& config, PluginSet& plugins,
                                                        observe::MetricRegistry& metrics, observe::KernelEvents& events, const pipeline::NodeIdentity& identity) {
  ION_TRY(partition::PartitionMetrics partition_metrics, partition::PartitionMetrics::declare(metrics));
  std::unique_ptr<TopicServer> made(new TopicServer(world, data_dir, plugins, config, std::move(partition_metrics), events));
  if (config.topics.durability == "fsync" && !made->defaults().fsync)
    world.logger().warn("the storage plugin keeps records in memory only: topics are made with durability=os");
  ION_CHECK(made->add_interceptors(metrics));
  made->api_ = std::make_unique<api::LocalBrokerApi>(made->pipeline_, made->controller_, made->local_, identity, made->plugin_verbs());
  ION_CHECK(made->api_->declare_metrics(metrics));
  return made;
}

// Of this process: what is made with it is kept by nobody. Numbers of the world's random will do where it gives away no secrets.
partition::KeySecret TopicServer::key_secret() {
  partition::KeySecret secret{};
  if (!compaction_random_->secret(secret.data(), sizeof secret).ok()) secret = {compaction_random_->u64(), compaction_random_->u64()};
  return secret;
}

Status TopicServer::add_interceptors(observe::MetricRegistry& metrics) {
  for (const host::NamedRef& ref : plugins_.host().contracts(ION_INTERCEPTOR_ID)) {
    pipeline::InterceptorPolicy policy;
    policy.name = ref.name;
    policy.ref = ref.ref;
    for (const host::PluginInfo& p : plugins_.host().plugins())
      if (p.name == ref.name) policy.file = p.file;
    ION_TRY(policy.metrics, pipeline::InterceptorMetrics::declare(metrics, ref.name));
    policy.misbehaved = [&host = plugins_.host(), name = ref.name](const Status& why) { host.report(name, why); };
    for (const config::PluginConfig& p : config_.plugins)
      if (p.name == ref.name) {
        policy.on_error = p.on_error == "open" ? pipeline::OnError::kOpen : pipeline::OnError::kClosed;
        policy.on_reject = p.on_reject == "record" ? pipeline::OnReject::kRecord : pipeline::OnReject::kBatch;
        policy.budget = p.budget;
        policy.pending_deadline = p.pending_deadline;
        policy.breaker = {p.breaker.failure_percent, p.breaker.calls_min, p.breaker.window, p.breaker.pause};
      }
    ION_CHECK(interceptors_.add(std::move(policy)));
  }
  return {};
}

// A replacement waits for steps of plugins, so it takes a thread of the blocking pool.
pipeline::PluginVerbs TopicServer::plugin_verbs() {
  return {lister(plugins_, interceptors_), [this](std::string name, std::string path, std::function<void(const Result<pipeline::ReplacedPlugin>&)> done) {
            const Status posted = post_blocking(world_.executor(), [this, name = std::move(name), path = std::move(path), done] { done(plugins_.replace(name, path, interceptors_)); });
            if (!posted.ok()) done(posted);
          }};
}

void TopicServer::set_health(ion_health health) {
  if (health == ION_HEALTH_SERVING) (void)health_.serve();
  if (health == ION_HEALTH_DRAINING) health_.drain();
  api_->set_health(health);
}

Status TopicServer::open_metadata() {
  const Awaited inspected;
  local_.inspect_storage(inspected.done());
  ION_CHECK(inspected.wait(world_, kRecoveryLimit, "listing the logs"));
  const Awaited opened;
  ION_CHECK(post(world_.executor(), world_.control_shard(), [this, done = opened.done()] {
    RoleScope scope(control_role);
    controller_.open(plugins_.consensus(), plugins_.storage_ref(), done);
  }));
  return opened.wait(world_, kRecoveryLimit, "reading the metadata log");
}

Status TopicServer::open_partitions() {
  const Awaited served;
  local_.start(controller_, served.done());
  ION_CHECK(served.wait(world_, kRecoveryLimit, "opening the partitions"));
  const Awaited looked;
  space_.look("a check at the start", [done = looked.done()] { done({}); });
  if (const Status told = looked.wait(world_, kLookLimit, "asking the storage for space"); !told.ok())
    world_.logger().warn("it is not known whether the storage has space", {{"why", told.message()}});
  return {};
}

// Yes: what was refused lately would be taken, and the space that is kept for deletes is there.
void TopicServer::ask_for_space(std::function<void(Status)> done) {
  const auto ask_storage = [this, done] { call([&](Op& op) { return plugins_.storage().space(op); }, [done](const ion_result& r) { done(Status::from(r.status, r.err)); }); };
  if (volatile_storage()) return ask_storage();
  const Status given = post_blocking(world_.executor(), [this, done, ask_storage] {
    const Status kept = reserve_.keep();
    if (kept.code() == ION_E_NO_SPACE) return done(kept);
    if (!kept.ok()) world_.logger().warn("no space can be kept for deletes", {{"why", kept.text()}});
    ask_storage();
  });
  if (!given.ok()) done(given);
}

Status TopicServer::close_partitions(Nanos limit) {
  const Awaited closed;
  local_.stop(closed.done());
  return closed.wait(world_, limit, "closing the partitions");
}

Status TopicServer::close_metadata(Nanos limit) {
  const Awaited closed;
  ION_CHECK(post(world_.executor(), world_.control_shard(), [this, done = closed.done()] {
    RoleScope scope(control_role);
    controller_.close(done);
  }));
  return closed.wait(world_, limit, "closing the metadata log");
}

}  // namespace ion
