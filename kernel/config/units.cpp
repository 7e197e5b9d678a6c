#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace ion::config {
namespace {

struct UnitRow {
  std::string_view name;
  int64_t factor;
};
// The first exact one is printed, so the largest binary ones stand first.
constexpr UnitRow kByteUnits[] = {{"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10},
                                  {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000},
                                  {"kB", 1'000}, {"KB", 1'000}, {"B", 1}};
constexpr UnitRow kTimeUnits[] = {{"d", 86'400'000'000'000}, {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
                                  {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}};
constexpr std::string_view kBytesWanted = "wanted bytes such as 64MiB or 1GB (units B kB MB GB TB KiB MiB GiB TiB)";
constexpr std::string_view kTimeWanted = "wanted a duration with its unit such as 30s or 5ms (units ns us ms s m h d)";
// 18 digits fit into int64 whatever they are, and so does their product with a unit into 128 bits.
constexpr size_t kDigitsMax = 18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// number = digits [ "." digits ]; without float, so that 0.1GB is exactly 100000000.
struct Decimal {
  int64_t digits = 0;
  int64_t divisor = 1;
  std::string_view rest;
  bool valid = false;
};
Decimal read_decimal(std::string_view text) {
  Decimal d;
  size_t at = 0, digits = 0;
  bool dot = false;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !dot)); ++at) {
    if (text[at] == '.') {
      dot = true;
      continue;
    }
    if (++digits > kDigitsMax) return d;
    d.digits = d.digits * 10 + (text[at] - '0');
    if (dot) d.divisor *= 10;
  }
  d.valid = digits > 0 && is_digit(text[0]) && text[at - 1] != '.';
  d.rest = text.substr(at);
  while (!d.rest.empty() && d.rest.front() == ' ') d.rest.remove_prefix(1);
  return d;
}

Result<int64_t> parse_with(std::string_view text, std::span<const UnitRow> units, std::string_view wanted, int64_t factor_alone) {
  const auto refused = [&](std::string_view why) { return Status(ION_E_INVALID, fmt::format("{}, found \"{}\"{}", wanted, text, why)); };
  const Decimal d = read_decimal(text);
  if (!d.valid) return refused("");
  int64_t factor = factor_alone;
  if (!d.rest.empty()) {
    const auto unit = std::find_if(units.begin(), units.end(), [&](const UnitRow& u) { return u.name == d.rest; });
    if (unit == units.end()) return refused("");
    factor = unit->factor;
  } else if (factor == 0 && d.digits != 0) {
    return refused("");
  }
  const __int128 product = static_cast<__int128>(d.digits) * factor;
  if (product % d.divisor != 0) return refused(": not a whole number");
  if (product / d.divisor > INT64_MAX) return refused(": too large");
  return static_cast<int64_t>(product / d.divisor);
}

std::string shortest(int64_t value, std::span<const UnitRow> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const UnitRow& unit : units)
    if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  return fmt::format("{}", value);
}

}  // namespace

Result<int64_t> parse_bytes(std::string_view text) { return parse_with(text, kByteUnits, kBytesWanted, 1); }
Result<int64_t> parse_duration(std::string_view text) { return parse_with(text, kTimeUnits, kTimeWanted, 0); }

std::string bytes_text(int64_t bytes) { return shortest(bytes, kByteUnits, "0B"); }
std::string duration_text(int64_t nanoseconds) { return shortest(nanoseconds, kTimeUnits, "0s"); }
std::string unit_text(Unit unit, int64_t value) {
  switch (unit) {
    case Unit::kBytes: return bytes_text(value);
    case Unit::kDuration: return duration_text(value);
    case Unit::kNone: break;
  }
  return fmt::format("{}", value);
}

}  // namespace ion::config
