// The host as one plugin instance sees it: its ion_host, and behind `get` the services that it declared in its needs, each with
// its own `self`: files below its own directory, its own random stream, home shard, buffers, posts and timers.
// A need that was not declared is FORBIDDEN; contracts of other plugins are CLOSED until allow_contracts(). Refusals are logged,
// since words do not cross `get`. Thread: get by control, the rest any. Lives as long as the instance.
#pragma once
#include "base/counted_buffers.h"
#include "host/contract_registry.h"
#include "host/events_service.h"
#include "host/host_environment.h"
#include "host/metrics_service.h"
#include "host/plugin_work.h"
#include "host/rpc_registry.h"

#include <ion/abi/host/buffers.h>
#include <ion/abi/host/config.h>
#include <ion/abi/host/executors.h>
#include <ion/abi/host/threads.h>
#include <ion/check/contract_guard.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::host {

// What instances share; kept alive by each, since an instance that hangs is left behind.
struct HostShared {
  explicit HostShared(HostEnvironment e) : environment(std::move(e)), world(environment.world) {}
  const HostEnvironment environment;
  World& world;
  ContractRegistry contracts;
  RpcRegistry rpcs;
  std::function<void()> before_snapshot;  // of the metrics; set before any instance is made, may be empty
};

// `self` of ion.metrics/1.
struct MetricsService {
  observe::MetricRegistry* registry;
  HostShared& shared;
};

// Ids that `get` can answer without another plugin.
std::vector<std::string> service_ids(const HostEnvironment& environment);

class HostServices {
 public:
  struct Who {
    std::string name;
    ShardId home;
    std::string directory;  // of ion.files/1
    std::vector<std::string> needs;
    check::ContractGuard* guard = nullptr;  // in front of its services; outlives them. null: none
  };
  using OnFault = std::function<void(const Status& why)>;  // any thread

  // `on_misuse`: it used a service in a way that its header forbids, and goes on.
  static Result<std::unique_ptr<HostServices>> make(std::shared_ptr<HostShared> shared, Who who, OnFault on_fault, OnFault on_misuse);

  const ion_host& table() const { return host_; }
  void allow_contracts() { contracts_open_.store(true); }
  PluginWork& work() { return work_; }
  EventsService& events() { return events_; }
  std::string outstanding() const;  // posts, timers, buffers; empty: none
  // Buffers that it was given and that somebody holds still. oldest: since when; nothing: there are none.
  struct Leases {
    uint64_t buffers = 0, bytes = 0;
    std::optional<Nanos> oldest;
  };
  Leases leases() const { return {buffers_.buffers(), buffers_.bytes(), buffers_.oldest()}; }

  // What export_host wants.
  Clock& clock() { return shared_->world.clock(); }
  Logger& logger() { return *logger_; }
  Result<ion_ref> get(std::string_view id, std::string_view instance);
  void fault(const Status& why) { on_fault_(why); }

 private:
  HostServices(std::shared_ptr<HostShared> shared, Who who, OnFault on_fault, OnFault on_misuse);
  Status fill();
  void check_word(std::string_view id);
  bool declared(std::string_view id) const;
  Result<ion_ref> find(std::string_view id, std::string_view instance);

  const std::shared_ptr<HostShared> shared_;
  const Who who_;
  const OnFault on_fault_, on_misuse_;
  const std::unique_ptr<Logger> logger_;
  PluginWork work_;
  base::CountedBuffers buffers_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Random> random_;
  ion_executors executors_;
  ion_node node_;
  RpcService rpc_;
  MetricsService metrics_;
  EventsService events_;
  const ion_host host_;
  std::map<std::string, ion_ref, std::less<>> services_;
  std::atomic<bool> contracts_open_{false};
};

}  // namespace ion::host
