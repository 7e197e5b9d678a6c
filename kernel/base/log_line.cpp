#include "base/log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace ion::base {
namespace {

using Out = fmt::memory_buffer;

void add(Out& out, std::string_view text) { out.append(text.data(), text.data() + text.size()); }

bool follows(std::string_view text, size_t at) { return at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80; }

// The bytes of the UTF-8 character at `at`, or 0 if there is none: stray, cut off, overlong, surrogate, beyond U+10FFFF.
size_t character_bytes(std::string_view text, size_t at) {
  const auto lead = static_cast<uint8_t>(text[at]);
  if (lead < 0x80) return 1;
  const size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  for (size_t i = 1; i < n; ++i)
    if (!follows(text, at + i)) return 0;
  const auto second = static_cast<uint8_t>(text[at + 1]);
  const bool fault = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
                     (lead == 0xF4 && second > 0x8F);
  return fault ? 0 : n;
}

void add_hex(Out& out, std::string_view prefix, uint8_t byte) {
  add(out, prefix);
  fmt::format_to(std::back_inserter(out), "{:02x}", byte);
}

enum class Escapes : uint8_t { kPlain, kQuoted, kJson };

void add_byte(Out& out, uint8_t byte, Escapes escapes) {
  const bool quoted = escapes != Escapes::kPlain;
  switch (byte) {
    case '\n': return add(out, "\\n");
    case '\r': return add(out, "\\r");
    case '\t': return add(out, "\\t");
    case '"': return add(out, quoted ? "\\\"" : "\"");
    case '\\': return add(out, quoted ? "\\\\" : "\\");
    default: break;
  }
  if (byte >= 0x20 && byte != 0x7F) return out.push_back(static_cast<char>(byte));
  add_hex(out, escapes == Escapes::kJson ? "\\u00" : "\\x", byte);
}

// U+0080 to U+009F are control characters too: some terminals obey them.
bool is_c1(std::string_view text, size_t at) {
  return static_cast<uint8_t>(text[at]) == 0xC2 && static_cast<uint8_t>(text[at + 1]) < 0xA0;
}

void add_escaped(Out& out, std::string_view text, size_t bytes_max, Escapes escapes) {
  for (size_t at = 0; at < text.size();) {
    const size_t n = character_bytes(text, at);
    if (at + std::max<size_t>(n, 1) > bytes_max) return add(out, "...");
    const auto byte = static_cast<uint8_t>(text[at]);
    if (n == 1) {
      add_byte(out, byte, escapes);
    } else if (n == 0) {
      escapes == Escapes::kJson ? add(out, "\\ufffd") : add_hex(out, "\\x", byte);
    } else if (n == 2 && is_c1(text, at)) {
      add_hex(out, "\\u00", static_cast<uint8_t>(text[at + 1]));
    } else {
      add(out, text.substr(at, n));
    }
    at += std::max<size_t>(n, 1);
  }
}

bool is_bare(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

void add_value(Out& out, std::string_view value, size_t bytes_max) {
  if (is_bare(value) && value.size() <= bytes_max) return add(out, value);
  out.push_back('"');
  add_escaped(out, value, bytes_max, Escapes::kQuoted);
  out.push_back('"');
}

void add_json(Out& out, std::string_view key, std::string_view value, size_t bytes_max) {
  out.push_back('"');
  add_escaped(out, key, kLogValueBytesMax, Escapes::kJson);
  add(out, "\":\"");
  add_escaped(out, value, bytes_max, Escapes::kJson);
  out.push_back('"');
}

std::span<const LogPart> fields_of(const LogLine& line) { return line.fields.first(std::min(line.fields.size(), kLogFieldsMax)); }

void add_text_line(Out& out, const LogLine& line) {
  fmt::format_to(std::back_inserter(out), "{} {:5} ", iso_time(line.at), level_name(line.level));
  add_escaped(out, line.name, kLogValueBytesMax, Escapes::kPlain);
  out.push_back(' ');
  add_escaped(out, line.text, kLogTextBytesMax, Escapes::kPlain);
  for (const LogPart& field : fields_of(line)) {
    out.push_back(' ');
    add_value(out, field.key, kLogValueBytesMax);
    out.push_back('=');
    add_value(out, field.value, kLogValueBytesMax);
  }
}

void add_json_line(Out& out, const LogLine& line) {
  out.push_back('{');
  add_json(out, "time", iso_time(line.at), kLogValueBytesMax);
  out.push_back(',');
  add_json(out, "level", level_name(line.level), kLogValueBytesMax);
  out.push_back(',');
  add_json(out, "logger", line.name, kLogValueBytesMax);
  out.push_back(',');
  add_json(out, "message", line.text, kLogTextBytesMax);
  const std::span<const LogPart> fields = fields_of(line);
  if (!fields.empty()) add(out, ",\"fields\":{");
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out.push_back(',');
    add_json(out, fields[i].key, fields[i].value, kLogValueBytesMax);
  }
  add(out, fields.empty() ? "}" : "}}");
}

}  // namespace

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    case LogLevel::kError: return "error";
  }
  return "error";  // a plugin sent a number that we do not know: rather seen than lost
}

std::string iso_time(WallMs at) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(at.ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string format_line(LogFormat format, const LogLine& line) {
  Out out;
  format == LogFormat::kJson ? add_json_line(out, line) : add_text_line(out, line);
  return fmt::to_string(out);
}

}  // namespace ion::base
