// ion.metrics/1 over the registry of the observe module: `self` is a MetricsService (host_services.h). Refusals are codes only, so what was wrong
// with a declaration is asked of the registry in the unit tests of the plugin. Thread words: ion/abi/host/metrics.h.
#pragma once
#include <ion/abi/host/metrics.h>

namespace ion::host {

extern const ion_metrics kExportMetrics;

}  // namespace ion::host
