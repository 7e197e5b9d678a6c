// What is said of values that do not match, of schemas that are none, and that foreign values cannot cost more than they should.
#include "io/value_check.h"

#include <gtest/gtest.h>

namespace ion::json_schema_check {
namespace {

// The problem, "" without one, or why the schema is refused.
std::string problem(const std::string& schema, std::string_view value, bool allow_null = true) {
  CheckConfig config;
  config.schema = Json::parse(schema);
  config.allow_null = allow_null;
  const auto check = ValueCheck::make(config);
  if (!check) return check.error().message();
  return check->problem_of(true, value).value_or("");
}

TEST(JsonSchemaCheck, a_problem_names_the_place_what_was_wanted_and_what_is_there) {
  const std::string order = R"({"type":"object","required":["id"],"properties":{"items":{"items":{"properties":{"price":{"type":"number","minimum":0}}}}}})";
  EXPECT_EQ(problem(order, R"({"id":1,"items":[{"price":3.5}]})"), "");
  EXPECT_EQ(problem(order, R"({"id":1,"items":[{"price":1},{"price":"3"}]})"), "/items/1/price: wanted number, have a string");
  EXPECT_EQ(problem(order, R"({"id":1,"items":[{"price":-2}]})"), "/items/0/price: wanted at least 0.0, have -2");
  EXPECT_EQ(problem(order, "{}"), "value: wanted a field \"id\"");
  EXPECT_EQ(problem(order, "[]"), "value: wanted object, have an array");
  EXPECT_EQ(problem(R"({"additionalProperties":false,"properties":{"a":{}}})", R"({"a":1,"b":2})"), "/b: a field of this name is not allowed");
  EXPECT_EQ(problem(R"({"maxLength":2})", R"("äöü")"), "value: wanted at most 2 characters, have 3");
}

TEST(JsonSchemaCheck, a_value_that_is_no_json_is_a_problem_and_null_as_the_settings_say) {
  EXPECT_EQ(problem("{}", "{\"a\":"), "value: wanted JSON, have 5 bytes that are none");
  EXPECT_NE(problem("{}", ""), "");
  EXPECT_NE(problem("{}", "\"\xff\""), "");
  CheckConfig config;
  EXPECT_FALSE(ValueCheck::make(config)->problem_of(false, ""));
  config.allow_null = false;
  EXPECT_EQ(*ValueCheck::make(config)->problem_of(false, ""), "wanted a value, have null");
}

TEST(JsonSchemaCheck, a_schema_that_is_none_is_refused_with_the_place_in_it) {
  EXPECT_EQ(problem(R"({"properties":{"a":{"typ":"string"}}})", "{}"),
            "schema/properties/a: unknown keyword \"typ\"; wanted those of JSON Schema draft 7");
  EXPECT_EQ(problem(R"({"type":"text"})", "1"), "schema/type: wanted null, boolean, integer, number, string, array or object, have \"text\"");
  EXPECT_EQ(problem(R"({"minLength":-1})", "1"), "schema/minLength: wanted a whole number from 0 on, have -1");
  EXPECT_NE(problem(R"x({"pattern":"(?=a)"})x", "1").find("schema/pattern: \"(?=a)\" is no regular expression of RE2"), std::string::npos);
  EXPECT_EQ(problem(R"({"$ref":"#/definitions/none"})", "1"), "schema/$ref: wanted a place that is there, have \"#/definitions/none\"");
  EXPECT_EQ(problem(R"({"$ref":"http://elsewhere"})", "1"), "schema/$ref: wanted a place in this schema, \"#/definitions/NAME\", have \"http://elsewhere\"");
}

TEST(JsonSchemaCheck, what_is_not_checked_is_told) {
  CheckConfig config;
  config.schema = Json::parse(R"({"properties":{"when":{"format":"date-time"}}})");
  EXPECT_EQ(ValueCheck::make(config)->unchecked(), std::vector<std::string>{"/properties/when/format"});
}

TEST(JsonSchemaCheck, a_long_text_is_matched_without_the_stack_and_in_linear_time) {
  const std::string text = "\"" + std::string(5'000'000, 'a') + "\"";
  EXPECT_EQ(problem(R"({"pattern":"^[a-z]+$"})", text), "");
  EXPECT_NE(problem(R"({"pattern":"^(a+)+b$"})", text), "");
}

TEST(JsonSchemaCheck, deep_values_and_schemas_without_end_are_problems_and_end_nothing) {
  EXPECT_EQ(problem("{}", std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_EQ(problem("{}", std::string(1'000'000, '[')), "value: wanted at most 64 arrays and objects in each other");
  EXPECT_NE(problem(R"({"$ref":"#"})", "1").find("without end"), std::string::npos);
  EXPECT_NE(problem(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]})", "1"), "");
  EXPECT_EQ(problem(R"({"properties":{"next":{"$ref":"#"}},"required":["n"]})", R"({"n":1,"next":{"n":2,"next":{}}})"), "/next/next: wanted a field \"n\"");
}

}  // namespace
}  // namespace ion::json_schema_check
