#include "core/time_text.h"

#include "core/record_text.h"

namespace ion::cli {

namespace {

constexpr std::string_view kMonths[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

struct Civil {
  int64_t year, month, day, hour, minute, second, millisecond;
  int64_t weekday, day_of_year;  // from Sunday, from 0
};

// Days since 1970 to a date of the Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
Civil civil_of(int64_t ms) {
  int64_t days = ms / 86'400'000, rest = ms % 86'400'000;
  if (rest < 0) rest += 86'400'000, --days;
  Civil c{};
  c.weekday = ((days + 4) % 7 + 7) % 7;
  c.hour = rest / 3'600'000, c.minute = rest / 60'000 % 60, c.second = rest / 1000 % 60, c.millisecond = rest % 1000;
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097, day_of_era = days - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * from_march + 2) / 153;
  c.month = shifted < 10 ? shifted + 3 : shifted - 9;
  c.year = year_of_era + era * 400 + (c.month <= 2 ? 1 : 0);
  c.day = from_march - (153 * shifted + 2) / 5 + 1;
  const bool leap = (c.year % 4 == 0 && c.year % 100 != 0) || c.year % 400 == 0;
  c.day_of_year = c.month <= 2 ? from_march - 306 : from_march + 59 + (leap ? 1 : 0);
  return c;
}

void padded(int64_t n, int width, char pad, std::string& to) {
  std::string digits;
  append_number(n, digits);
  if (n >= 0 && digits.size() < static_cast<size_t>(width)) to.append(static_cast<size_t>(width) - digits.size(), pad);
  to += digits;
}

void append_letter(char letter, const Civil& c, int64_t ms, std::string& to) {
  const auto two = [&](int64_t n) { padded(n, 2, '0', to); };
  switch (letter) {
    case 'Y': return padded(c.year, 4, '0', to);
    case 'm': return two(c.month);
    case 'd': return two(c.day);
    case 'H': return two(c.hour);
    case 'M': return two(c.minute);
    case 'S': return two(c.second);
    case 'y': return two(c.year % 100);
    case 'j': return padded(c.day_of_year + 1, 3, '0', to);
    case 'e': return padded(c.day, 2, ' ', to);
    case 'I': return two(c.hour % 12 == 0 ? 12 : c.hour % 12);
    case 'p': to += c.hour < 12 ? "AM" : "PM"; return;
    case 'B': to += kMonths[c.month - 1]; return;
    case 'b':
    case 'h': to += kMonths[c.month - 1].substr(0, 3); return;
    case 'A': to += kDays[c.weekday]; return;
    case 'a': to += kDays[c.weekday].substr(0, 3); return;
    case 'Z': to += "UTC"; return;
    case 'z': to += "+0000"; return;
    case 's': return append_number((ms - c.millisecond) / 1000, to);
    case 'n': to += '\n'; return;
    case 't': to += '\t'; return;
    default: to += letter; return;
  }
}

}  // namespace

void append_iso(WallMs time, std::string& to) {
  append_time("%FT%T.", time, to);
  padded(civil_of(time.ms).millisecond, 3, '0', to);
  to += 'Z';
}

size_t unknown_in_time_layout(std::string_view layout) {
  for (size_t i = 0; i < layout.size(); ++i)
    if (layout[i] == '%' && (++i == layout.size() || kTimeLetters.find(layout[i]) == std::string_view::npos)) return i;
  return std::string_view::npos;
}

void append_time(std::string_view layout, WallMs time, std::string& to) {
  const Civil c = civil_of(time.ms);
  for (size_t i = 0; i < layout.size(); ++i) {
    if (layout[i] != '%' || i + 1 == layout.size()) {
      to += layout[i];
      continue;
    }
    const char letter = layout[++i];
    const std::string_view composed = letter == 'F' ? "Y-m-d" : letter == 'T' ? "H:M:S" : letter == 'D' ? "m/d/y" : letter == 'R' ? "H:M" : "";
    if (composed.empty()) append_letter(letter, c, time.ms, to);
    for (const char part : composed)
      if (part == '-' || part == ':' || part == '/') to += part;
      else append_letter(part, c, time.ms, to);
  }
}

}  // namespace ion::cli
