#include "core/units.h"

#include <charconv>
#include <limits>
#include <string>

namespace ion::cli {

namespace {
struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr Unit kDurations[] = {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000},
                               {"h", 3'600'000'000'000}, {"d", 86'400'000'000'000}};
constexpr Unit kSizes[] = {{"", 1}, {"B", 1}, {"KB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000},
                           {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

Status wrong(std::string_view wanted, std::string_view text) {
  return Status(ION_E_INVALID, "want " + std::string(wanted) + ", have \"" + std::string(text) + "\"");
}

template <size_t N>
Result<uint64_t> scaled(std::string_view text, const Unit (&units)[N], std::string_view wanted) {
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc()) return wrong(wanted, text);
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& u : units) {
    if (u.name != unit) continue;
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / u.factor) return wrong(wanted, text);
    return number * u.factor;
  }
  if (number == 0 && unit.empty()) return uint64_t{0};
  return wrong(wanted, text);
}
}  // namespace

Result<Nanos> parse_duration(std::string_view text) {
  ION_TRY(const uint64_t ns, scaled(text, kDurations, "a duration such as 500ms, 10s or 2m"));
  return Nanos{static_cast<int64_t>(ns)};
}

Result<uint64_t> parse_size(std::string_view text) { return scaled(text, kSizes, "a size such as 1024, 64KiB or 1MiB"); }

Result<int64_t> parse_integer(std::string_view text) {
  int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return wrong("a whole number", text);
  return number;
}

Result<uint64_t> parse_count(std::string_view text) {
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return wrong("a whole number from 0 on", text);
  return number;
}

}  // namespace ion::cli
