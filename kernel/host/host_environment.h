// What the host module is given by kernel.cpp and hands on to plugins. The world outlives the PluginHost; its work is stopped between
// drain() and destroy().
#pragma once
#include "base/world.h"
#include "observe/kernel_events.h"
#include "observe/metric_registry.h"

#include <ion/abi/host.h>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::host {

struct NodeInfo {
  NodeId node;
  std::string rack, cluster, version;
};

// A host service that lies to the right of this module or is only there in tests: ion.broker_api/1, ion.faults/1.
// Wins over a service of the same id that the module has itself. `give` is asked once per instance that needs it, before create.
struct GivenService {
  std::string id;
  std::function<Result<ion_ref>(std::string_view instance)> give;
};

struct HostEnvironment {
  World& world;
  NodeInfo node;
  observe::MetricRegistry* metrics = nullptr;  // behind ion.metrics/1; null: the service is not there
  observe::KernelEvents* events = nullptr;        // behind ion.events/1; null: the service is not there
  std::vector<GivenService> services;
  uint64_t buffer_bytes_max = uint64_t{1} << 30;  // ion.buffers/1, per instance
};

}  // namespace ion::host
