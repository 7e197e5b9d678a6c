#include "host/metrics_service.h"

#include "host/host_services.h"

#include "observe/metric_registry.h"

#include <ion/bridge/crossing.h>

namespace ion::host {
namespace {

using observe::MetricRegistry;

MetricsService& service(void* self) noexcept { return *static_cast<MetricsService*>(self); }
MetricRegistry& registry(void* self) noexcept { return *service(self).registry; }

ion_status declare(void* self, uint32_t kind, ion_bytes name, ion_bytes unit, ion_bytes help, uint32_t series_max,
                   ion_metric** out) noexcept {
  return bridge::cross(nullptr, [&]() -> ion_status {
    if (kind < ION_COUNTER || kind > ION_HISTOGRAM) return ION_E_INVALID;
    const auto made =
        registry(self).declare({static_cast<ion_metric_kind>(kind), text_of(name), text_of(unit), text_of(help), series_max});
    if (!made) return made.error().code();
    *out = reinterpret_cast<ion_metric*>(*made);
    return ION_OK;
  });
}
ion_status series(void* self, ion_metric* metric, const ion_field* labels, uint32_t n, ion_series** out) noexcept {
  return bridge::cross(nullptr, [&]() -> ion_status {
    const auto made = registry(self).series(*reinterpret_cast<observe::Metric*>(metric), {labels, n});
    if (!made) return made.error().code();
    *out = reinterpret_cast<ion_series*>(*made);
    return ION_OK;
  });
}
ion_status snapshot(void* self, ion_sample_fn each, void* ctx) noexcept {
  return bridge::cross(nullptr, [&] {
    if (service(self).shared.before_snapshot) service(self).shared.before_snapshot();
    registry(self).snapshot(each, ctx);
    return ION_OK;
  });
}
void record(ion_series* series, int64_t value) noexcept { reinterpret_cast<observe::Series*>(series)->record(value); }

}  // namespace

constexpr ion_metrics kExportMetrics{sizeof(ion_metrics), 0, &declare, &series, &snapshot, &record};

}  // namespace ion::host
