// The rules of metric names, checked when a metric is declared: ionstream_<area>_<what>_<unit>, counters end in _total, labels
// come from a closed list. Pure; any thread.
#pragma once
#include <ion/abi/host/metrics.h>
#include <ion/status.h>

#include <span>
#include <string_view>

namespace ion::observe {

constexpr size_t kNameBytesMax = 120;
constexpr size_t kHelpBytesMax = 400;
constexpr size_t kLabelsMax = 6;
constexpr size_t kLabelValueBytesMax = 256;

// `unit` is what the recorded whole numbers count: ns, bytes, records, requests, ...; 1 for a bare number. A name ends in _bytes
// exactly if the unit is bytes, and in _seconds exactly if it is ns: recorded in ns, shown in base units by an exporter.
// `kind` is an ion_metric_kind as it crosses the ABI, so any number may come.
Status check_metric(uint32_t kind, std::string_view name, std::string_view unit, std::string_view help);
// Known keys, each once; values that a bounded text can hold.
Status check_labels(std::string_view metric, std::span<const ion_field> labels);

}  // namespace ion::observe
