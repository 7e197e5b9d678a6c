// What becomes of a value and of a header by the settings. Immutable; any thread.
#pragma once
#include "io/json_fields.h"
#include "redact_config.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace ion::redact {

class Redactor {
 public:
  static Result<Redactor> make(const RedactConfig& config);
  Redactor(Redactor&&) noexcept;
  ~Redactor();

  // The changed value; nothing: it stays. INVALID: it is no JSON, and `not_json` is reject.
  Result<std::optional<std::string>> value(std::string_view value) const;
  struct Header {
    bool removed = false;
    std::optional<std::string> value;  // nothing: it stays
  };
  Header header(std::string_view name, std::string_view value) const;

 private:
  Redactor();
  std::optional<std::string> match(std::string_view text) const;
  JsonFields fields_;
  bool has_fields_ = false, remove_ = false, pass_other_ = false;
  std::vector<std::unique_ptr<re2::RE2>> patterns_;
  std::vector<std::string> headers_;
  std::string mask_, rewrite_;  // rewrite_: the mask as RE2 reads it
};

}  // namespace ion::redact
