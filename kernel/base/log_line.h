// One line of the log, as text or JSON. Pure: values in, a line without its end out.
//
//   2026-01-31T09:08:07.654Z info  partition opened topic=orders partition=3 path="/data/a b"
//   {"time":"2026-01-31T09:08:07.654Z","level":"info","logger":"partition","message":"opened","fields":{"topic":"orders"}}
//
// What comes from outside cannot begin a line of its own, pretend to be a field, or colour a terminal: control characters,
// quotes and bytes that are not UTF-8 are escaped. Values of JSON are texts. Bounds: see below; what is cut ends in "...".
#pragma once
#include <ion/ports.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ion::base {

enum class LogFormat : uint8_t { kText, kJson };

constexpr size_t kLogTextBytesMax = 4096, kLogValueBytesMax = 1024, kLogFieldsMax = 32;

std::string_view level_name(LogLevel level);  // "debug" "info" "warn" "error"
std::string iso_time(WallMs at);              // "2026-01-31T09:08:07.654Z"

struct LogPart {  // borrowed
  std::string_view key, value;
};
struct LogLine {
  WallMs at;
  LogLevel level = LogLevel::kInfo;
  std::string_view name;
  std::string_view text;
  std::span<const LogPart> fields;
};
std::string format_line(LogFormat format, const LogLine& line);

}  // namespace ion::base
