#include "io/json_fields.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ion::redact {
namespace {

constexpr int kDepthMax = 64;  // of arrays and objects in each other
constexpr std::string_view kSpace = " \t\r\n";

Result<std::vector<std::string>> steps_of(const std::string& place) {
  if (!place.starts_with('/')) return Status(ION_E_INVALID, "fields: wanted a place as /user/email, have \"" + place + "\"");
  std::vector<std::string> steps;
  for (size_t i = 0; i < place.size(); ++i) {
    if (place[i] == '/') {
      steps.emplace_back();
    } else if (place[i] == '~') {
      const char next = i + 1 < place.size() ? place[i + 1] : '\0';
      if (next != '0' && next != '1') return Status(ION_E_INVALID, "fields: wanted ~0 or ~1 behind ~, have \"" + place + "\"");
      steps.back() += next == '0' ? '~' : '/', ++i;
    } else {
      steps.back() += place[i];
    }
  }
  return steps;
}

}  // namespace

// Goes once through a text that is known to be JSON and copies what stays.
class Rewriter {
 public:
  Rewriter(const JsonFields& fields, std::string_view text) : fields_(fields), text_(text) {}
  std::optional<std::string> run() {
    std::vector<const std::vector<std::string>*> all;
    for (const auto& place : fields_.places_) all.push_back(&place);
    spaces();
    value(all, 0);
    if (!changed_) return {};
    out_ += text_.substr(at_);
    return std::move(out_);
  }

 private:
  using Places = std::vector<const std::vector<std::string>*>;  // whose first steps led here
  void copy(size_t to) { out_ += text_.substr(at_, to - at_), at_ = to; }
  void spaces() { copy(std::min(text_.find_first_not_of(kSpace, at_), text_.size())); }
  size_t end_of_string(size_t from) const {
    for (size_t i = from + 1;; ++i) {
      if (text_[i] == '\\') ++i;
      else if (text_[i] == '"') return i + 1;
    }
  }
  size_t end_of_value(size_t from) const {
    int open = 0;
    for (size_t i = from;;) {
      const char c = text_[i];
      if (c == '"') i = end_of_string(i);
      else if (c == '{' || c == '[') ++open, ++i;
      else if (c == '}' || c == ']') --open, ++i;
      else if (open == 0) return std::min(text_.find_first_of(" \t\r\n,}]", i), text_.size());
      else ++i;
      if (open == 0) return i;
    }
  }
  void value(const Places& places, size_t depth) {
    const char c = text_[at_];
    if (places.empty() || (c != '{' && c != '[')) return copy(end_of_value(at_));
    members(places, depth, c == '{');
  }
  // The members of an object or array. `first` is about what is written, so that no comma is left over.
  void members(const Places& places, size_t depth, bool object) {
    copy(at_ + 1);
    bool first = true;
    separator_ = {};
    for (size_t index = 0;; ++index) {
      const size_t begin = std::min(text_.find_first_not_of(kSpace, at_), text_.size());
      if (text_[begin] == '}' || text_[begin] == ']') return copy(begin + 1);
      size_t value_at = begin;
      std::string name = std::to_string(index);
      if (object) {
        const size_t end = end_of_string(begin);
        name = nlohmann::json::parse(text_.substr(begin, end - begin)).get<std::string>();
        value_at = text_.find_first_not_of(kSpace, text_.find(':', end) + 1);
      }
      member(places, depth, name, value_at, first);
      const size_t after = text_.find_first_not_of(kSpace, at_);
      if (text_[after] == ',') separator_ = text_.substr(at_, after + 1 - at_), at_ = after + 1;
    }
  }
  void member(const Places& places, size_t depth, const std::string& name, size_t value_at, bool& first) {
    Places deeper;
    bool hit = false;
    for (const auto* place : places) {
      const std::string& step = (*place)[depth];
      if (step != "*" && step != name) continue;
      if (place->size() == depth + 1) hit = true;
      else deeper.push_back(place);
    }
    changed_ |= hit;
    if (hit && !fields_.replacement_) {
      at_ = end_of_value(value_at);
      return;
    }
    if (!first) out_ += separator_;
    first = false;
    copy(value_at);
    if (!hit) return value(deeper, depth + 1);
    out_ += *fields_.replacement_;
    at_ = end_of_value(value_at);
  }

  const JsonFields& fields_;
  const std::string_view text_;
  std::string out_;
  std::string_view separator_;  // behind the member before: spaces and a comma
  size_t at_ = 0;               // what lies before it is written or left out
  bool changed_ = false;
};

Result<JsonFields> JsonFields::make(const std::vector<std::string>& places, std::optional<std::string> replacement) {
  JsonFields made;
  for (const std::string& place : places) {
    ION_TRY(auto steps, steps_of(place));
    made.places_.push_back(std::move(steps));
  }
  made.replacement_ = std::move(replacement);
  return made;
}

Result<std::optional<std::string>> JsonFields::apply(std::string_view json) const {
  bool too_deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json&) {
    const bool opens = event == nlohmann::json::parse_event_t::array_start || event == nlohmann::json::parse_event_t::object_start;
    return !opens || depth < kDepthMax || (too_deep = true, false);
  };
  const bool valid = !nlohmann::json::parse(json, watch, false).is_discarded();
  if (too_deep) return Status(ION_E_INVALID, "value: wanted at most " + std::to_string(kDepthMax) + " arrays and objects in each other");
  if (!valid) return Status(ION_E_INVALID, "value: wanted JSON, have " + std::to_string(json.size()) + " bytes that are none");
  return Rewriter(*this, json).run();
}

}  // namespace ion::redact
