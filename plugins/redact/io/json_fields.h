// Takes fields out of a JSON text, or puts something else in their place. Everything else stays byte for byte: order of fields, spaces,
// numbers as they were written. A field that an object has twice is found twice, and names are compared as they read, so that "\u0061"
// hides nothing.
// Immutable; any thread.
#pragma once
#include <ion/result.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::redact {

class JsonFields {
 public:
  // `places` are "/a/b" (RFC 6901; "*" for any step). `replacement` is JSON text; nothing: fields are taken out.
  static Result<JsonFields> make(const std::vector<std::string>& places, std::optional<std::string> replacement);

  // The changed text; nothing: there was nothing to change. INVALID: `json` is no JSON, or is nested deeper than 64.
  Result<std::optional<std::string>> apply(std::string_view json) const;

 private:
  friend class Rewriter;
  std::vector<std::vector<std::string>> places_;
  std::optional<std::string> replacement_;
};

}  // namespace ion::redact
