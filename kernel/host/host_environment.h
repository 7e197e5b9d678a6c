// What the host module is given by kernel.cpp (or by a test, or a simulator) and hands on to plugins.
// Everything referred to outlives the PluginHost's destroy(); executor and timers are stopped after it, the PluginHost dies last.
#pragma once
#include "observe/metric_registry.h"

#include <ion/abi/host.h>
#include <ion/ports.h>

#include <functional>
#include <memory>
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
  Clock& clock;
  Executor& executor;
  Timers& timers;
  Logger& logger;                                                                         // of the module itself
  std::function<std::unique_ptr<Logger>(const std::string& instance)> logger_for;         // empty: the module's own
  std::function<std::unique_ptr<Random>(const std::string& instance)> random_for;         // a stream per name
  std::function<Result<std::unique_ptr<Files>>(const std::string& directory)> files_for;  // makes the directory if needed
  NodeInfo node;
  observe::MetricRegistry* metrics = nullptr;  // behind ion.metrics/1; null: the service is not there
  std::vector<GivenService> services;
  uint64_t buffer_bytes_max = uint64_t{1} << 30;  // ion.buffers/1, per instance
};

}  // namespace ion::host
