// What the host counts of one plugin instance for exporters. Thread: declare before serving, or again for the next generation; the rest any.
#pragma once
#include "observe/metric_registry.h"

#include <ion/bytes.h>
#include <ion/result.h>
#include <ion/time.h>

#include <string>

namespace ion::host {

class PluginMetrics {
 public:
  static Result<PluginMetrics> declare(observe::MetricRegistry& registry, const std::string& plugin) {
    PluginMetrics m;
    const ion_field label{bytes_of("plugin"), bytes_of(plugin)};
    const auto gauge = [&](const char* name, const char* unit, const char* help) -> Result<observe::Series*> {
      ION_TRY(observe::Metric* const metric, registry.declare({ION_GAUGE, name, unit, help, kPluginsMax}));
      return registry.series(*metric, {&label, 1});
    };
    ION_TRY(m.bytes_, gauge("ionstream_plugin_leased_bytes", "bytes", "Bytes of the plugin's buffers that somebody holds."));
    ION_TRY(m.oldest_, gauge("ionstream_plugin_oldest_lease_seconds", "ns", "How long the oldest of them has been held; 0: none is."));
    return m;
  }
  void leases(uint64_t bytes, Nanos oldest) {
    if (bytes_ != nullptr) bytes_->record(static_cast<int64_t>(bytes)), oldest_->record(oldest.n);
  }

 private:
  static constexpr uint32_t kPluginsMax = 64;
  observe::Series *bytes_ = nullptr, *oldest_ = nullptr;
};

}  // namespace ion::host
