#include "plugin_set.h"

#include <ion/abi/contract/interceptor.h>
#include <ion/abi/contract/transport.h>
#include <ion/bridge/broker_api_bridge.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace ion {
namespace {

host::PluginHostOptions reporting(host::PluginHostOptions options, Logger& logger) {
  options.on_fault = [&logger](const std::string& name, const Status& why) {
    logger.error("a plugin is out of service", {{"plugin", name}, {"why", why.text()}});
  };
  return options;
}

}  // namespace

Result<config::CheckedConfig> check_section(const config::PluginConfig& plugin, std::string_view schema, uint64_t batch_bytes_max) {
  ION_TRY(config::CheckedConfig checked, config::check_plugin_config(plugin.config, plugin.name, schema));
  const config::Node* size = checked.tree.find("message_bytes_max");
  if (size == nullptr || !size->is(config::Kind::kInteger) || static_cast<uint64_t>(size->integer) >= batch_bytes_max) return checked;
  return Status(ION_E_INVALID, fmt::format("plugins.{}.config.message_bytes_max: wanted at least limits.batch_bytes_max, which is {}, found {}", plugin.name,
                                           batch_bytes_max, size->integer));
}

host::HostEnvironment plugin_environment(World& world, const config::KernelConfig& config, const BrokerOptions& options, BrokerApi& api,
                                         observe::MetricRegistry& metrics, observe::KernelEvents& events) {
  host::HostEnvironment e{world, {NodeId{config.node.id}, config.node.rack, config.node.cluster, options.version}, &metrics, &events, {}};
  e.services.push_back({ION_BROKER_API_ID, [&api](std::string_view) -> Result<ion_ref> { return ion_ref{&export_broker_api, &api}; }});
  return e;
}

host::PluginHostOptions host_options(const config::KernelConfig& config, const BrokerOptions& options) {
  host::PluginHostOptions o;
  o.places.directories = config.plugin_host.extra_directories;
  o.places.directories.insert(o.places.directories.end(), config.plugin_host.directories.begin(), config.plugin_host.directories.end());
  o.places.data_dir = config.node.data_dir;
  for (const auto& [name, hash] : config.plugin_host.allow) o.places.allow.push_back(name + "=" + hash);
  o.allow_drafts = config.plugin_host.allow_drafts;
  o.step_deadline = config.plugin_host.step_deadline;
  o.probe_deadline = config.plugin_host.step_deadline;
  o.guard = config.plugin_host.guard;
  o.generations_max = config.plugin_host.generations_max;
  if (!config.plugin_host.probe || !options.probe) o.probe_program.clear();
  if (!options.null_broker)
    o.required = {{ION_STORAGE_ID, "records would have no place"}, {ION_CONSENSUS_ID, "topics could not be kept"}};
  if (!options.in_process) o.required.push_back({ION_TRANSPORT_ID, "nobody could reach this broker"});
  return o;
}

std::vector<host::PluginSpec> enabled_plugins(const config::KernelConfig& config, config::ConfigSnapshot& snapshot) {
  std::vector<host::PluginSpec> list;
  for (const config::PluginConfig& p : config.plugins) {
    if (!p.enabled) continue;
    list.push_back({p.name, p.path, [&p, &snapshot, batch_bytes_max = config.limits.batch_bytes_max](std::string_view schema) -> Result<std::string> {
                      ION_TRY(config::CheckedConfig checked, check_section(p, schema, batch_bytes_max));
                      snapshot = snapshot.with_plugin(p.name, checked);
                      return std::move(checked.json);
                    }});
  }
  return list;
}

PluginSet::PluginSet(World& world, const config::Loaded& loaded, const BrokerOptions& options, BrokerApi& api, observe::MetricRegistry& metrics,
                     observe::KernelEvents& events)
    : world_(world), config_(loaded.kernel), options_(options), snapshot_(loaded.snapshot),
      host_(plugin_environment(world, config_, options, api, metrics, events), reporting(host_options(config_, options), world.logger())) {}

Status PluginSet::start() {
  ION_CHECK(host_.load(enabled_plugins(config_, snapshot_)));
  ION_CHECK(host_.start());
  if (options_.null_broker) return {};
  ION_TRY(storage_ref_, host_.contract(ION_STORAGE_ID));
  storage_ = std::make_unique<ImportedStorage>(storage_ref_);
  ION_TRY(const ion_ref consensus, host_.contract(ION_CONSENSUS_ID));
  consensus_ = std::make_unique<ImportedConsensus>(consensus);
  if (const auto router = host_.contract(ION_ROUTER_ID)) router_ = std::make_unique<CurrentRouter>(*router);
  else world_.logger().warn("no plugin provides ion.router/1: requests must name their partition");
  return {};
}

Result<config::PluginConfig> PluginSet::entry_of(const std::string& name) const {
  const auto entry = std::find_if(config_.plugins.begin(), config_.plugins.end(), [&](const config::PluginConfig& p) { return p.enabled && p.name == name; });
  if (entry == config_.plugins.end())
    return Status(ION_E_NOT_FOUND, fmt::format("plugin {}: wanted one that the configuration names and this broker has loaded", name), "PLUGIN_NOT_FOUND");
  const std::lock_guard lock(mutex_);
  const auto again = reread_.find(name);
  return again == reread_.end() ? *entry : again->second;
}

Result<host::Replaced> PluginSet::replace_with(const config::PluginConfig& entry, const std::string& path, pipeline::InterceptorChain& interceptors) {
  const std::string& name = entry.name;
  std::optional<config::CheckedConfig> checked;
  const host::PluginSpec spec{name, path, [&](std::string_view schema) -> Result<std::string> {
                                ION_TRY(checked, config::check_plugin_config(entry.config, name, schema));
                                return checked->json;
                              }};
  std::vector<std::shared_ptr<pipeline::Departure>> departures;
  const auto departure = [&] { return departures.emplace_back(std::make_shared<pipeline::Departure>()); };
  const host::Succession succession{
      [&](std::string_view contract, ion_ref next) { return contract == ION_INTERCEPTOR_ID ? interceptors.accepts(name, next) : CurrentRouter::accepts(name, next); },
      [&](std::string_view contract, ion_ref next, const host::PluginInfo& info) {
        if (contract == ION_INTERCEPTOR_ID) interceptors.replace(name, info.file, next, departure());
        else if (router_ != nullptr) router_->replace(next, departure());
      },
      [&](Nanos limit) { return std::all_of(departures.begin(), departures.end(), [&](const auto& d) { return d->wait(world_, limit); }); }};
  ION_TRY(const host::Replaced done, host_.replace(spec, succession));
  const std::lock_guard lock(mutex_);
  if (checked) snapshot_ = snapshot_.with_plugin(name, *checked);
  return done;
}

Result<pipeline::ReplacedPlugin> PluginSet::replace(const std::string& name, const std::string& path, pipeline::InterceptorChain& interceptors) {
  ION_TRY(const config::PluginConfig entry, entry_of(name));
  ION_TRY(const host::Replaced done, replace_with(entry, path.empty() ? entry.path : path, interceptors));
  return pipeline::ReplacedPlugin{done.version, done.old_version, done.file, done.generation, done.old_stays, !host_.leads_to(name, entry.path, done.file)};
}

}  // namespace ion
