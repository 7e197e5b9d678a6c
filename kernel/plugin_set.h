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

#include <memory>
#include <mutex>
#include <vector>

namespace ion {

// What the plugins of this configuration are given. All references outlive the answer.
host::HostEnvironment plugin_environment(World& world, const config::KernelConfig& config, const BrokerOptions& options, BrokerApi& api,
                                         observe::MetricRegistry& metrics);
// The options of a plugin host for this configuration; the contracts that the broker cannot do without are among them.
host::PluginHostOptions host_options(const config::KernelConfig& config, const BrokerOptions& options);
// The enabled plugins, each with the check of its section, which puts the checked section into `snapshot`. Both outlive the answer.
std::vector<host::PluginSpec> enabled_plugins(const config::KernelConfig& config, config::ConfigSnapshot& snapshot);

class PluginSet {
 public:
  // `loaded` and the other references outlive it.
  PluginSet(World& world, const config::Loaded& loaded, const BrokerOptions& options, BrokerApi& api, observe::MetricRegistry& metrics);

  // Creates and starts every plugin; afterwards the contracts below are there.
  Status start();

  host::PluginHost& host() { return host_; }
  // The configuration with the checked sections of the plugins, once start has answered.
  config::ConfigSnapshot configuration() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  // See PluginHost::replace; the calls of `interceptors` and of router() go over to the new generation. BLOCKING
  Result<pipeline::ReplacedPlugin> replace(const std::string& name, const std::string& path, pipeline::InterceptorChain& interceptors);
  Storage& storage() { return *storage_; }
  ion_ref storage_ref() const { return storage_ref_; }
  Consensus& consensus() { return *consensus_; }
  Router* router() { return router_.get(); }  // null: no plugin provides one

 private:
  World& world_;
  const config::KernelConfig& config_;
  const BrokerOptions& options_;
  mutable std::mutex mutex_;  // of snapshot_
  config::ConfigSnapshot snapshot_;
  host::PluginHost host_;
  ion_ref storage_ref_{};
  std::unique_ptr<ImportedStorage> storage_;
  std::unique_ptr<ImportedConsensus> consensus_;
  std::unique_ptr<CurrentRouter> router_;
};

}  // namespace ion
