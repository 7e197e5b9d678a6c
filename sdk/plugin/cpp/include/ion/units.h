// Sizes, times and counts as people write them: "64MiB", "1GB", "30s", "5ms", "1000", and back. The one reading of them, for configuration,
// topic settings and command lines. Exact or refused: nothing is rounded. Pure; any thread.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <string_view>

namespace ion {

namespace detail {

struct UnitRow {
  std::string_view name;
  int64_t factor;
};
// The first exact one is printed, so the largest binary ones stand first.
inline constexpr UnitRow kByteUnits[] = {{"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"TB", 1'000'000'000'000},
                                         {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1'000}, {"KB", 1'000}, {"B", 1}};
inline constexpr UnitRow kTimeUnits[] = {{"d", 86'400'000'000'000}, {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
                                         {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}};
inline constexpr std::string_view kBytesWanted = "a size such as 64MiB or 1GB (units B kB MB GB TB KiB MiB GiB TiB)";
inline constexpr std::string_view kTimeWanted = "a duration with its unit such as 30s or 5ms (units ns us ms s m h d)";
inline constexpr size_t kDigitsMax = 18;  // so many fit into int64 whatever they are

inline Status no_quantity(std::string_view wanted, std::string_view text, std::string_view why = {}) {
  std::string words = "want ";
  words.append(wanted).append(", have \"").append(text).append("\"").append(why);
  return {ION_E_INVALID, std::move(words)};
}

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// number = digits [ "." digits ]; without float, so that 0.1GB is exactly 100000000.
struct Decimal {
  int64_t digits = 0;
  int64_t divisor = 1;
  std::string_view rest = {};
  bool valid = false;
};
inline Decimal read_decimal(std::string_view text) noexcept {
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

// `factor_alone` is of a number without a unit; 0: only zero may stand alone.
inline Result<int64_t> read_quantity(std::string_view text, std::span<const UnitRow> units, std::string_view wanted, int64_t factor_alone) {
  const Decimal d = read_decimal(text);
  if (!d.valid) return no_quantity(wanted, text);
  int64_t factor = factor_alone;
  if (!d.rest.empty()) {
    factor = 0;
    for (const UnitRow& unit : units)
      if (unit.name == d.rest) factor = unit.factor;
    if (factor == 0) return no_quantity(wanted, text);
  }
  if (d.digits == 0) return int64_t{0};
  if (factor == 0) return no_quantity(wanted, text);
  const int64_t common = std::gcd(factor, d.divisor), left = d.divisor / common;
  if (d.digits % left != 0) return no_quantity(wanted, text, ": not a whole number");
  if (d.digits / left > std::numeric_limits<int64_t>::max() / (factor / common)) return no_quantity(wanted, text, ": too large");
  return d.digits / left * (factor / common);
}

inline std::string shortest_text(int64_t value, std::span<const UnitRow> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const UnitRow& unit : units)
    if (value % unit.factor == 0) return std::to_string(value / unit.factor) + std::string(unit.name);
  return std::to_string(value);
}

}  // namespace detail

// Each answers INVALID for anything else, with what was wanted and what was there.
// Bytes: a whole number alone, or a number with B kB KB MB GB TB KiB MiB GiB TiB.
inline Result<int64_t> parse_bytes(std::string_view text) { return detail::read_quantity(text, detail::kByteUnits, detail::kBytesWanted, 1); }
// A number with ns us ms s m h d. The unit is required, only "0" may stand alone: 30 says neither s nor ms.
inline Result<Nanos> parse_duration(std::string_view text) {
  ION_TRY(const int64_t ns, detail::read_quantity(text, detail::kTimeUnits, detail::kTimeWanted, 0));
  return Nanos{ns};
}
// Digits only.
inline Result<uint64_t> parse_count(std::string_view text) {
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool too_large = failed == std::errc::result_out_of_range;
  if (failed != std::errc() || end != text.data() + text.size()) return detail::no_quantity("a whole number from 0 on", text, too_large ? ": too large" : "");
  return number;
}

// The shortest exact text: 67108864 is "64MiB", 1500000000 is "1500MB"; 1.5 s are "1500ms".
inline std::string bytes_text(int64_t bytes) { return detail::shortest_text(bytes, detail::kByteUnits, "0B"); }
inline std::string duration_text(Nanos time) { return detail::shortest_text(time.n, detail::kTimeUnits, "0s"); }

}  // namespace ion
