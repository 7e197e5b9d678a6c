#include "config_check.h"

#include "base/refusing_world.h"
#include "plugin_set.h"

#include <fmt/format.h>

namespace ion {

Status check_settings(const config::KernelConfig& config) {
  std::string problems;
  const auto refuse = [&problems](std::string problem) { problems += (problems.empty() ? "" : "\n") + std::move(problem); };
  if (config.topics.partitions > config.limits.partitions_max)
    refuse(fmt::format("topics.partitions: wanted at most limits.partitions_max, which is {}, found {}", config.limits.partitions_max,
                       config.topics.partitions));
  return problems.empty() ? Status() : Status(ION_E_INVALID, problems);
}

Result<config::ConfigSnapshot> check_config(const config::Loaded& loaded, const BrokerOptions& options) {
  ION_CHECK(check_settings(loaded.kernel));
  config::ConfigSnapshot snapshot = loaded.snapshot;
  std::vector<host::PluginSpec> plugins = enabled_plugins(loaded.kernel);
  for (host::PluginSpec& plugin : plugins)
    plugin.check = [&snapshot, check = plugin.check, &loaded, name = plugin.name](std::string_view schema) -> Result<std::string> {
      ION_TRY(std::string json, check(schema));
      for (const config::PluginConfig& p : loaded.kernel.plugins) {
        if (p.name != name) continue;
        ION_TRY(const config::CheckedConfig checked, config::check_plugin_config(p.config, name, schema));
        snapshot = snapshot.with_plugin(name, checked);
      }
      return json;
    };
  base::RefusingWorld world;
  observe::MetricRegistry metrics(1);
  api::ApiGate gate;
  host::PluginHostOptions places = host_options(loaded.kernel, options);
  places.private_copies = false;
  host::PluginHost host(plugin_environment(world, loaded.kernel, options, gate, metrics), std::move(places));
  const Status loads = host.load(plugins);
  const Status ends = host.destroy();
  ION_CHECK(loads);
  ION_CHECK(ends);
  return snapshot;
}

}  // namespace ion
