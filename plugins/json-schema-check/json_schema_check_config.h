// Settings of json-schema-check. `schema` is an object of any keys, which rows cannot say: its part of the plugin's schema and its reading
// stand here.
#pragma once
#include <ion/config_json.h>

#include <string>
#include <tuple>
#include <vector>

namespace ion::json_schema_check {

struct CheckRows {
  std::vector<std::string> topics;
  bool allow_null = true;

  static constexpr auto rows() {
    return std::tuple{row("topics", &CheckRows::topics, "The topics whose values are checked; empty: all."),
                      row("allow_null", &CheckRows::allow_null, "Whether a record without a value (a tombstone) passes.")};
  }
};
struct CheckConfig : CheckRows {
  nlohmann::json schema = nlohmann::json::object();
};

}  // namespace ion::json_schema_check

namespace ion {

template <>
constexpr std::string schema_of<json_schema_check::CheckConfig>() {
  std::string rows = schema_of<json_schema_check::CheckRows>();
  rows.resize(rows.size() - 2);  // the ends of properties and schema
  return rows + R"(,"schema":{"description":"The JSON Schema (draft 7) that values match; {}: any JSON.","type":"object","default":{}}}})";
}
template <>
inline Result<json_schema_check::CheckConfig> read_config<json_schema_check::CheckConfig>(std::string_view text) {
  json_schema_check::CheckConfig config;
  ION_TRY(static_cast<json_schema_check::CheckRows&>(config), read_config<json_schema_check::CheckRows>(text));
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (const auto found = object.find("schema"); found != object.end()) config.schema = *found;
  return config;
}

}  // namespace ion
