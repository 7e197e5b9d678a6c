#include "core/time_range.h"

#include <array>
#include <limits>
#include <string>

namespace ion::cli {

namespace {

Status wrong(std::string_view text) {
  return {ION_E_INVALID, "want @TIME, @TIME:TIME or @:TIME with times such as 1767225600 (10 digits: seconds, 13: milliseconds), 2026-01-01 (UTC), 2026-01-01T12:00:00Z (with a zone) or -2h, have \"" + std::string(text) + "\""};
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

// Of a date of the Gregorian calendar; nothing for one that is none. Years begin in March here, so that the leap day is a year's last.
std::optional<int64_t> days_since_1970(int64_t year, int64_t month, int64_t day) {
  constexpr std::array<int64_t, 12> kLengths{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return std::nullopt;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day > kLengths[static_cast<size_t>(month - 1)] + (leap && month == 2 ? 1 : 0)) return std::nullopt;
  const int64_t from_march = (month + 9) % 12, y = month <= 2 ? year - 1 : year;
  constexpr int64_t kDaysTo1970 = 719'468;  // from the 1st of March of the year 0
  return y * 365 + (y >= 0 ? y / 4 - y / 100 + y / 400 : -1) + (153 * from_march + 2) / 5 + day - 1 - kDaysTo1970;
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
  const auto days = days_since_1970(*year, *month, *day);
  if (!days) return std::nullopt;
  int64_t ms = *days * 86'400'000;
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
    return Status(ION_E_INVALID, "the range \"" + std::string(text) + "\" is empty, or ends before it begins");
  return range;
}

}  // namespace ion::cli
