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
  const std::vector<host::PluginSpec> plugins = enabled_plugins(loaded.kernel, snapshot);
  base::RefusingWorld world;
  observe::MetricRegistry metrics(1);
  observe::KernelEvents events;
  api::ApiGate gate;
  host::PluginHostOptions places = host_options(loaded.kernel, options);
  places.private_copies = false;
  host::PluginHost host(plugin_environment(world, loaded.kernel, options, gate, metrics, events), std::move(places));
  const Status loads = host.load(plugins);
  const Status ends = host.destroy();
  ION_CHECK(loads);
  ION_CHECK(ends);
  return snapshot;
}

}  // namespace ion
