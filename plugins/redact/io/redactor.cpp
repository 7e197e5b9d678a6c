#include "io/redactor.h"

#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include <algorithm>

namespace ion::redact {

Redactor::Redactor() = default;
Redactor::Redactor(Redactor&&) noexcept = default;
Redactor::~Redactor() = default;

Result<Redactor> Redactor::make(const RedactConfig& config) {
  if (config.fields.empty() && config.patterns.empty() && config.headers.empty())
    return Status(ION_E_INVALID, "wanted something to redact in fields, patterns or headers, have none");
  Redactor made;
  made.remove_ = config.mode == "remove", made.pass_other_ = config.not_json == "pass";
  made.mask_ = config.mask, made.headers_ = config.headers, made.has_fields_ = !config.fields.empty();
  std::optional<std::string> replacement;
  if (!made.remove_) replacement = nlohmann::json(config.mask).dump();
  ION_TRY(made.fields_, JsonFields::make(config.fields, std::move(replacement)));
  for (const char c : made.remove_ ? std::string() : config.mask) made.rewrite_ += c == '\\' ? "\\\\" : std::string(1, c);
  re2::RE2::Options options;
  options.set_log_errors(false);
  for (const std::string& text : config.patterns) {
    auto pattern = std::make_unique<re2::RE2>(text, options);
    if (!pattern->ok()) return Status(ION_E_INVALID, "patterns: \"" + text + "\" is no regular expression of RE2: " + pattern->error());
    if (re2::RE2::PartialMatch("", *pattern)) return Status(ION_E_INVALID, "patterns: \"" + text + "\" also matches nothing, which is everywhere");
    made.patterns_.push_back(std::move(pattern));
  }
  return made;
}

std::optional<std::string> Redactor::match(std::string_view text) const {
  std::optional<std::string> changed;
  for (const auto& pattern : patterns_) {
    if (!changed && !re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern)) continue;
    if (!changed) changed = std::string(text);
    re2::RE2::GlobalReplace(&*changed, *pattern, rewrite_);
  }
  return changed;
}

Result<std::optional<std::string>> Redactor::value(std::string_view value) const {
  std::optional<std::string> changed;
  if (has_fields_) {
    auto applied = fields_.apply(value);
    if (!applied && !pass_other_) return applied.error();
    if (applied) changed = *std::move(applied);
  }
  if (auto matched = match(changed ? *changed : value)) changed = std::move(matched);
  return changed;
}

Redactor::Header Redactor::header(std::string_view name, std::string_view value) const {
  if (std::find(headers_.begin(), headers_.end(), name) == headers_.end()) return {false, match(value)};
  return remove_ ? Header{true, {}} : Header{false, mask_};
}

}  // namespace ion::redact
