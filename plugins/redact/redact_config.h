// Settings of redact.
#pragma once
#include <ion/config_rows.h>

#include <string>
#include <tuple>
#include <vector>

namespace ion::redact {

inline constexpr const char* kModes[] = {"mask", "remove"};
inline constexpr const char* kNotJson[] = {"reject", "pass"};

struct RedactConfig {
  std::vector<std::string> topics, fields, patterns, headers;
  std::string mode = "mask", mask = "***", not_json = "reject";

  static constexpr auto rows() {
    return std::tuple{row("topics", &RedactConfig::topics, "The topics whose records are changed; empty: all."),
                      row("fields", &RedactConfig::fields, "Places in JSON values, as /user/email; * stands for any field or item: /cards/*/number."),
                      row("patterns", &RedactConfig::patterns, "Regular expressions (RE2): what matches in a value or in the value of a header."),
                      row("headers", &RedactConfig::headers, "Names of headers whose values nobody may read."),
                      row("mode", &RedactConfig::mode, kModes, "mask: put `mask` in its place. remove: take it out."),
                      row("mask", &RedactConfig::mask, "What is put there."),
                      row("not_json", &RedactConfig::not_json, kNotJson, "A value that is no JSON while `fields` are named: reject the record, or let it pass.")};
  }
};

}  // namespace ion::redact
