// Rows of a configuration struct: one row per field says its name, unit, range and help; the field's initializer is the
// default. From the rows come the JSON Schema (at compile time: it stands in the plugin's ELF note) and the reference.
//   static constexpr auto rows() { return std::tuple{ion::row("segment_bytes", &C::segment_bytes, ion::kBytes, 1_MiB, 4_GiB, "...")}; }
#pragma once
#include <ion/time.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace ion {

inline namespace size_literals {
constexpr uint64_t operator""_KiB(unsigned long long n) { return n << 10; }
constexpr uint64_t operator""_MiB(unsigned long long n) { return n << 20; }
constexpr uint64_t operator""_GiB(unsigned long long n) { return n << 30; }
}  // namespace size_literals

enum class Unit { kNone, kBytes, kDuration };
inline constexpr Unit kCount = Unit::kNone;
inline constexpr Unit kBytes = Unit::kBytes;

// What an operator may change without a restart, and what is never printed.
struct RowFlags {
  bool reloadable = false, secret = false;
};
inline constexpr RowFlags kReloadable{true, false};
inline constexpr RowFlags kSecret{false, true};

template <class Owner, class T, size_t Choices = 0>
struct Row {
  const char* name;
  T Owner::*field;
  const char* help;
  Unit unit = Unit::kNone;
  int64_t minimum = 0, maximum = 0;  // integers and durations (ns); both 0: no range
  double low = 0, high = 0;          // ratios
  std::array<const char*, Choices> choices{};
  RowFlags flags{};
};

template <class O>
constexpr auto row(const char* name, uint64_t O::*f, Unit unit, uint64_t min, uint64_t max, const char* help, RowFlags flags = {}) {
  return Row<O, uint64_t>{name, f, help, unit, static_cast<int64_t>(min), static_cast<int64_t>(max), 0, 0, {}, flags};
}
template <class O>
constexpr auto row(const char* name, uint32_t O::*f, Unit unit, uint64_t min, uint64_t max, const char* help, RowFlags flags = {}) {
  return Row<O, uint32_t>{name, f, help, unit, static_cast<int64_t>(min), static_cast<int64_t>(max), 0, 0, {}, flags};
}
template <class O>
constexpr auto row(const char* name, Nanos O::*f, Nanos min, Nanos max, const char* help, RowFlags flags = {}) {
  return Row<O, Nanos>{name, f, help, Unit::kDuration, min.n, max.n, 0, 0, {}, flags};
}
template <class O>
constexpr auto row(const char* name, double O::*f, double low, double high, const char* help, RowFlags flags = {}) {
  return Row<O, double>{name, f, help, Unit::kNone, 0, 0, low, high, {}, flags};
}
template <class O>
constexpr auto row(const char* name, bool O::*f, const char* help, RowFlags flags = {}) {
  return Row<O, bool>{name, f, help, Unit::kNone, 0, 0, 0, 0, {}, flags};
}
template <class O>
constexpr auto row(const char* name, std::string O::*f, const char* help, RowFlags flags = {}) {
  return Row<O, std::string>{name, f, help, Unit::kNone, 0, 0, 0, 0, {}, flags};
}
template <class O, size_t N>
constexpr auto row(const char* name, std::string O::*f, const char* const (&choices)[N], const char* help, RowFlags flags = {}) {
  Row<O, std::string, N> r{name, f, help, Unit::kNone, 0, 0, 0, 0, {}, flags};
  for (size_t i = 0; i < N; ++i) r.choices[i] = choices[i];
  return r;
}
template <class O>
constexpr auto row(const char* name, std::vector<std::string> O::*f, const char* help, RowFlags flags = {}) {
  return Row<O, std::vector<std::string>>{name, f, help, Unit::kNone, 0, 0, 0, 0, {}, flags};
}

namespace detail {
constexpr void put_text(std::string& to, std::string_view s) {
  to += '"';
  for (char c : s) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
}
constexpr void put_number(std::string& to, int64_t v) {
  if (v < 0) to += '-';
  uint64_t u = v < 0 ? static_cast<uint64_t>(-(v + 1)) + 1 : static_cast<uint64_t>(v);
  std::string digits;
  do digits += static_cast<char>('0' + u % 10);
  while ((u /= 10) != 0);
  for (size_t i = digits.size(); i-- > 0;) to += digits[i];
}
constexpr void put_ratio(std::string& to, double v) {  // six decimals
  const auto millionths = static_cast<int64_t>(v * 1e6 + 0.5);
  put_number(to, millionths / 1'000'000);
  to += '.';
  for (int64_t d = 100'000; d >= 1; d /= 10) to += static_cast<char>('0' + millionths / d % 10);
}

template <class O, class T, size_t N>
constexpr void put_row(std::string& to, const Row<O, T, N>& r, const O& defaults) {
  put_text(to, r.name);
  to += ":{\"description\":";
  put_text(to, r.help);
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    to += ",\"type\":\"array\",\"items\":{\"type\":\"string\"},\"default\":[";
    for (size_t i = 0; i < (defaults.*r.field).size(); ++i) {
      if (i != 0) to += ',';
      put_text(to, (defaults.*r.field)[i]);
    }
    to += ']';
  } else if constexpr (std::is_same_v<T, std::string>) {
    to += ",\"type\":\"string\",\"default\":";
    put_text(to, defaults.*r.field);
    for (size_t i = 0; i < N; ++i) {
      to += i == 0 ? ",\"enum\":[" : ",";
      put_text(to, r.choices[i]);
      if (i + 1 == N) to += ']';
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    to += ",\"type\":\"boolean\",\"default\":";
    to += defaults.*r.field ? "true" : "false";
  } else if constexpr (std::is_same_v<T, double>) {
    to += ",\"type\":\"number\",\"minimum\":";
    put_ratio(to, r.low);
    to += ",\"maximum\":";
    put_ratio(to, r.high);
    to += ",\"default\":";
    put_ratio(to, defaults.*r.field);
  } else {
    int64_t value = 0;
    if constexpr (std::is_same_v<T, Nanos>) value = (defaults.*r.field).n;
    else value = static_cast<int64_t>(defaults.*r.field);
    to += ",\"type\":\"integer\",\"minimum\":";
    put_number(to, r.minimum);
    to += ",\"maximum\":";
    put_number(to, r.maximum);
    to += ",\"default\":";
    put_number(to, value);
    if (r.unit == Unit::kBytes) to += ",\"x-unit\":\"bytes\"";
    if (r.unit == Unit::kDuration) to += ",\"x-unit\":\"duration\"";  // nanoseconds once checked; "30s" in a file
  }
  if (r.flags.reloadable) to += ",\"x-reloadable\":true";
  if (r.flags.secret) to += ",\"x-secret\":true";
  to += '}';
}
}  // namespace detail

// The JSON Schema of a struct with rows. Usable at compile time.
template <class C>
constexpr std::string schema_of() {
  C defaults{};  // not const: a const std::string with a short text is no constant expression for GCC 12
  std::string to = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{";
  bool first = true;
  std::apply([&](const auto&... r) { ((first ? void(first = false) : void(to += ','), detail::put_row(to, r, defaults)), ...); }, C::rows());
  to += "}}";
  return to;
}
// The same as an array with static life, without the ending zero.
template <class C>
struct SchemaText {
  static constexpr size_t kSize = schema_of<C>().size();
  static constexpr std::array<char, kSize + 1> kText = [] {
    std::array<char, kSize + 1> a{};
    const std::string s = schema_of<C>();
    for (size_t i = 0; i < s.size(); ++i) a[i] = s[i];
    return a;
  }();
};

struct NoConfig {  // of a plugin that has no settings
  static constexpr auto rows() { return std::tuple{}; }
};

}  // namespace ion
