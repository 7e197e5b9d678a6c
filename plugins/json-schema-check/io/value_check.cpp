#include "io/value_check.h"

namespace ion::json_schema_check {

namespace {
constexpr int kDepthMax = 64;  // of arrays and objects in each other
}

Result<ValueCheck> ValueCheck::make(const CheckConfig& config) {
  ION_TRY(std::unique_ptr<Schema> schema, Schema::compile(config.schema));
  return ValueCheck(std::move(schema), config.allow_null);
}

std::optional<std::string> ValueCheck::problem_of(bool has_value, std::string_view value) const {
  if (!has_value) return allow_null_ ? std::nullopt : std::optional<std::string>("wanted a value, have null");
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json&) {
    const bool opens = event == Json::parse_event_t::array_start || event == Json::parse_event_t::object_start;
    return !opens || depth < kDepthMax || (too_deep = true, false);
  };
  const Json parsed = Json::parse(value, watch, false);
  if (too_deep) return "value: wanted at most " + std::to_string(kDepthMax) + " arrays and objects in each other";
  if (parsed.is_discarded()) return "value: wanted JSON, have " + std::to_string(value.size()) + " bytes that are none";
  return schema_->problem_of(parsed);
}

}  // namespace ion::json_schema_check
