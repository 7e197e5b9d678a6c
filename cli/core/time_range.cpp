#include "core/time_range.h"

#include <chrono>
#include <limits>
#include <string>

namespace ion::cli {

namespace {

Status wrong(std::string_view text) {
  return {ION_E_INVALID, "want @TIME, @TIME:TIME or @:TIME with times such as 1767225600, 2026-01-01, 2026-01-01T12:00:00Z or -2h, have \"" + std::string(text) + "\""};
}

// Takes what it can from the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : left_(text) {}
  bool at_end() const { return left_.empty(); }
  std::string_view left() const { return left_; }
  bool take(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    return true;
  }
  // Exactly `n` digits, not followed by another one.
  std::optional<int64_t> digits(size_t n) {
    if (count_digits() != n) return std::nullopt;
    int64_t value = 0;
    for (size_t i = 0; i < n; ++i) value = value * 10 + (left_[i] - '0');
    left_.remove_prefix(n);
    return value;
  }
  size_t count_digits() const {
    size_t n = 0;
    while (n < left_.size() && left_[n] >= '0' && left_[n] <= '9') ++n;
    return n;
  }

 private:
  std::string_view left_;
};

std::optional<int64_t> duration_ms(Cursor& at) {
  struct Unit {
    std::string_view name;
    int64_t ms;
  };
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max() / 1'000'000;
  int64_t sum = 0;
  bool any = false;
  while (at.count_digits() > 0 && at.count_digits() <= 12) {
    const auto number = at.digits(at.count_digits());
    const Unit* unit = nullptr;
    for (const Unit& u : kUnits)
      if (unit == nullptr && at.take(u.name)) unit = &u;
    if (unit == nullptr || *number > kMax / unit->ms || sum > kMax - *number * unit->ms) return std::nullopt;
    sum += *number * unit->ms;
    any = true;
  }
  return any ? std::optional(sum) : std::nullopt;
}

// YYYY-MM-DD, perhaps with a time of day and its zone.
std::optional<int64_t> date_ms(Cursor& at) {
  Cursor try_at = at;
  const auto year = try_at.digits(4);
  if (!year || !try_at.take('-')) return std::nullopt;
  const auto month = try_at.digits(2);
  if (!month || !try_at.take('-')) return std::nullopt;
  const auto day = try_at.digits(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(static_cast<unsigned>(*month)), std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  int64_t ms = int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400'000;
  if (!try_at.take('T') && !try_at.take('t')) return at = try_at, ms;
  const auto hour = try_at.digits(2);
  if (!hour || !try_at.take(':')) return std::nullopt;
  const auto minute = try_at.digits(2);
  if (!minute || !try_at.take(':')) return std::nullopt;
  const auto second = try_at.digits(2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  ms += (*hour * 3'600 + *minute * 60 + *second) * 1'000;
  if (try_at.take('.')) {
    const size_t n = try_at.count_digits();
    if (n == 0 || n > 9) return std::nullopt;
    int64_t fraction = *try_at.digits(n);
    for (size_t i = n; i < 3; ++i) fraction *= 10;
    for (size_t i = 3; i < n; ++i) fraction /= 10;
    ms += fraction;
  }
  if (try_at.take('Z') || try_at.take('z')) return at = try_at, ms;
  const int64_t sign = try_at.take('+') ? 1 : try_at.take('-') ? -1 : 0;
  const auto zone_hour = try_at.digits(2);
  if (sign == 0 || !zone_hour || !try_at.take(':')) return std::nullopt;
  const auto zone_minute = try_at.digits(2);
  if (!zone_minute || *zone_hour > 23 || *zone_minute > 59) return std::nullopt;
  return at = try_at, ms - sign * (*zone_hour * 3'600 + *zone_minute * 60) * 1'000;
}

std::optional<WallMs> time_of(Cursor& at, WallMs now) {
  Cursor try_at = at;
  if (const auto ms = try_at.digits(13)) return at = try_at, WallMs{*ms};
  if (const auto s = try_at.digits(10)) return at = try_at, WallMs{*s * 1'000};
  if (const auto ms = date_ms(at)) return WallMs{*ms};
  try_at = at;
  if (!try_at.take('-')) return std::nullopt;
  const auto before = duration_ms(try_at);
  if (!before) return std::nullopt;
  return at = try_at, WallMs{now.ms - *before};
}

}  // namespace

Result<TimeRange> TimeRange::parse(std::string_view text, WallMs now) {
  Cursor at(text);
  TimeRange range;
  if (!at.take('@') || at.at_end()) return wrong(text);
  if (!at.left().starts_with(':')) {
    range.from = time_of(at, now);
    if (!range.from) return wrong(text);
  }
  if (at.at_end()) return range;
  if (!at.take(':')) return wrong(text);
  if (at.at_end() && range.from) return range;
  if (at.take("end")) {
    range.until_end = true;
  } else if (const auto until = time_of(at, now)) {
    range.until = until;
  } else if (const auto length = duration_ms(at); length && range.from) {
    range.until = WallMs{range.from->ms + *length};
  } else {
    return wrong(text);
  }
  if (!at.at_end()) return wrong(text);
  if (range.from && range.until && *range.until <= *range.from)
    return Status(ION_E_INVALID, "the range \"" + std::string(text) + "\" ends before it begins");
  return range;
}

}  // namespace ion::cli
