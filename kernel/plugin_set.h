// The plugins of one broker: from the configuration to running contracts, and how a broker without all that it needs is refused.
// Thread: main; questions from ANY once start has answered.
#pragma once
#include "api/api_gate.h"
#include "base/world.h"
#include "config/kernel_config.h"
#include "current_router.h"
#include "host/plugin_host.h"
#include "kernel.h"
#include "pipeline/verb_paths.h"

#include <ion/bridge/consensus_bridge.h>
#include <ion/bridge/storage_bridge.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ion {

// What the plugins of this configuration are given. All references outlive the answer.
host::HostEnvironment plugin_environment(World& world, const config::KernelConfig& config, const BrokerOptions& options, BrokerApi& api,
                                         observe::MetricRegistry& metrics, observe::KernelEvents& events);
// The options of a plugin host for this configuration; the contracts that the broker cannot do without are among them.
host::PluginHostOptions host_options(const config::KernelConfig& config, const BrokerOptions& options);
// Against the schema of its plugin, and the limit of batches: a plugin with `message_bytes_max` carries batches in messages of that size,
// and a batch that is allowed and cannot be carried is a trap.
Result<config::CheckedConfig> check_section(const config::PluginConfig& plugin, std::string_view schema, uint64_t batch_bytes_max);
// The enabled plugins, each with the check of its section, which puts the checked section into `snapshot`. Both outlive the answer.
std::vector<host::PluginSpec> enabled_plugins(const config::KernelConfig& config, config::ConfigSnapshot& snapshot);

class PluginSet {
 public:
  // `loaded` and the other references outlive it.
  PluginSet(World& world, const config::Loaded& loaded, const BrokerOptions& options, BrokerApi& api, observe::MetricRegistry& metrics,
            observe::KernelEvents& events);

  // Creates and starts every plugin; afterwards the contracts below are there.
  Status start();

  host::PluginHost& host() { return host_; }
  // The configuration with the checked sections of the plugins, once start has answered.
  config::ConfigSnapshot configuration() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  // Brings the plugins that serve to their sections of `next`, once all of these were checked: INVALID, all problems, and nothing has changed.
  // Keys that may change without a restart go to a plugin that takes them; of other keys an interceptor or router gets a new generation.
  // `interceptors` is null where no topics are served: then nothing is replaced. From a thread that may wait.
  struct Reloaded {
    std::vector<std::string> changed, waiting;  // keys, by path; what waits for a restart is said for all plugins that are loaded
  };
  Result<Reloaded> reload(const config::KernelConfig& next, pipeline::InterceptorChain* interceptors);
  // See PluginHost::replace; the calls of `interceptors` and of router() go over to the new generation. BLOCKING
  Result<pipeline::ReplacedPlugin> replace(const std::string& name, const std::string& path, pipeline::InterceptorChain& interceptors);
  Storage& storage() { return *storage_; }
  ion_ref storage_ref() const { return storage_ref_; }
  Consensus& consensus() { return *consensus_; }
  Router* router() { return router_.get(); }  // null: no plugin provides one

 private:
  // A plugin whose section in a configuration that was read again differs from what it runs on.
  struct Change {
    const config::PluginConfig* entry = nullptr;  // in that configuration
    config::Node running;
    config::CheckedConfig next;
    host::PluginHost::Reloading how;
    std::vector<config::Change> keys;
  };
  Result<std::optional<Change>> change_of(const config::PluginConfig& next) const;
  void take(Change& change, pipeline::InterceptorChain* interceptors, Reloaded& reloaded);
  Status reconfigure(const Change& change);
  // The entry of the configuration that was read last. INVALID, NOT_FOUND.
  Result<config::PluginConfig> entry_of(const std::string& name) const;
  Result<host::Replaced> replace_with(const config::PluginConfig& entry, const std::string& path, pipeline::InterceptorChain& interceptors);

  World& world_;
  const config::KernelConfig& config_;
  const BrokerOptions& options_;
  mutable std::mutex mutex_;  // of what follows
  config::ConfigSnapshot snapshot_;
  std::map<std::string, config::PluginConfig> reread_;  // entries that were read again since the start and are in force
  host::PluginHost host_;
  ion_ref storage_ref_{};
  std::unique_ptr<ImportedStorage> storage_;
  std::unique_ptr<ImportedConsensus> consensus_;
  std::unique_ptr<CurrentRouter> router_;
};

}  // namespace ion
