#include "observe/metric_name.h"

#include <ion/bytes.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace ion::observe {
namespace {

constexpr std::string_view kPrefix = "ionstream_";
constexpr std::string_view kTotal = "_total";
// What a label may say; a key of unbounded values (a record key, a client id) has no place here.
constexpr std::array<std::string_view, 14> kLabelKeys = {"topic", "partition", "group", "broker", "verb",   "reason",  "queue",
                                                         "result", "route",    "cluster", "signal", "plugin", "version", "shard"};

// Units that a name must say, and how: what is recorded, what an exporter shows.
constexpr std::pair<std::string_view, std::string_view> kBaseUnits[] = {{"ns", "seconds"}, {"bytes", "bytes"}};

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// Words of a-z and 0-9 joined by single underscores, at least an area and a what behind the prefix.
bool well_formed(std::string_view name) {
  if (!name.starts_with(kPrefix) || !is_word(name) || name.ends_with('_') || name.find("__") != std::string_view::npos) return false;
  return name.substr(kPrefix.size()).find('_') != std::string_view::npos;
}

Status refused(std::string_view name, std::string_view words) { return {ION_E_INVALID, fmt::format("metric {}: {}", name, words)}; }

}  // namespace

Status check_metric(uint32_t kind, std::string_view name, std::string_view unit, std::string_view help) {
  if (kind != ION_COUNTER && kind != ION_GAUGE && kind != ION_HISTOGRAM)
    return refused(name, fmt::format("wanted kind 1 to 3, found {}", kind));
  if (name.size() > kNameBytesMax) return refused(name.substr(0, kNameBytesMax), fmt::format("wanted a name of at most {} bytes", kNameBytesMax));
  if (!well_formed(name)) return refused(name, "wanted a name ionstream_<area>_<what>_<unit> of a-z, 0-9 and single underscores");
  if (!is_word(unit)) return refused(name, fmt::format("wanted a unit such as bytes, ns, records or 1, found \"{}\"", unit));
  if (help.empty() || help.size() > kHelpBytesMax) return refused(name, fmt::format("wanted a help text of 1 to {} bytes", kHelpBytesMax));
  const bool total = name.ends_with(kTotal);
  if (kind == ION_COUNTER && !total) return refused(name, "wanted _total at the end of a counter's name");
  if (kind != ION_COUNTER && total) return refused(name, "found _total at the end of a name that is no counter's");
  if (total) name.remove_suffix(kTotal.size());
  if (unit == "seconds" || unit == "ms" || unit == "us") return refused(name, fmt::format("time is recorded in ns, found the unit {}", unit));
  for (const auto& [counted, shown] : kBaseUnits) {
    const bool named = name.ends_with(fmt::format("_{}", shown));
    if (unit == counted && !named) return refused(name, fmt::format("wanted _{}{} at the end, because the unit is {}", shown, total ? kTotal : "", unit));
    if (unit != counted && named) return refused(name, fmt::format("wanted the unit {}, because the name says {}; found {}", counted, shown, unit));
  }
  return {};
}

Status check_labels(std::string_view metric, std::span<const ion_field> labels) {
  if (labels.size() > kLabelsMax) return refused(metric, fmt::format("wanted at most {} labels, found {}", kLabelsMax, labels.size()));
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string_view key = text_of(labels[i].key);
    if (std::find(kLabelKeys.begin(), kLabelKeys.end(), key) == kLabelKeys.end())
      return refused(metric, fmt::format("wanted a label of {}, found \"{}\"", fmt::join(kLabelKeys, " "), key));
    if (labels[i].value.n > kLabelValueBytesMax)
      return refused(metric, fmt::format("wanted at most {} bytes for the label {}, found {}", kLabelValueBytesMax, key, labels[i].value.n));
    for (size_t j = 0; j < i; ++j)
      if (text_of(labels[j].key) == key) return refused(metric, fmt::format("found the label {} twice", key));
  }
  return {};
}

}  // namespace ion::observe
