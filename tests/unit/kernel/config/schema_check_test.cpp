#include "config/json_text.h"
#include "config/schema_check.h"

#include <gtest/gtest.h>

namespace ion::config {
namespace {

// The fixture: schema, then text, then what came out.
struct Checked {
  Node tree;
  std::vector<std::string> problems;
  std::string compact() const { return json_text(tree, Look::kCompact); }
  std::string pretty() const { return json_text(tree, Look::kPretty); }
  std::string only() const { return problems.size() == 1 ? problems[0] : std::to_string(problems.size()) + " problems"; }
};
Checked run(std::string_view schema_text, Node tree) {
  const Result<Schema> schema = Schema::parse(schema_text, "schema");
  EXPECT_TRUE(schema.has_value()) << (schema ? "" : schema.error().message());
  Problems problems;
  if (schema) check(tree, *schema, problems);
  return {std::move(tree), problems.lines()};
}
Checked run(std::string_view schema, std::string_view text) {
  Result<Node> node = parse_jsonc(text, Origin{Layer::kFile, "a.jsonc", 0});
  EXPECT_TRUE(node.has_value()) << (node ? "" : node.error().message());
  return run(schema, node ? *std::move(node) : Node{});
}
std::string schema_error(std::string_view text) {
  const Result<Schema> schema = Schema::parse(text, "schema of plugin x");
  return schema ? "no error" : schema.error().message();
}

constexpr std::string_view kStorage = R"({"type": "object", "properties": {
  "segment_bytes": {"type": "integer", "minimum": 1048576, "maximum": 4294967296, "default": 67108864, "x-unit": "bytes"},
  "linger": {"type": "integer", "minimum": 0, "maximum": 10000000000, "default": 5000000, "x-unit": "duration"},
  "refuse_produce_at": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.95},
  "sync": {"type": "boolean", "default": true},
  "mode": {"type": "string", "enum": ["fast", "safe"], "default": "safe", "x-reloadable": true},
  "password": {"type": "string", "minLength": 4, "default": "none", "x-secret": true},
  "names": {"type": "array", "items": {"type": "string"}, "default": ["a", "b"]}}})";

TEST(schema_check, an_empty_object_becomes_all_defaults_in_the_order_of_the_schema) {
  const Checked c = run(kStorage, "{}");
  EXPECT_EQ(c.compact(), R"({"segment_bytes":67108864,"linger":5000000,"refuse_produce_at":0.95,"sync":true,"mode":"safe","password":"none",)"
                         R"("names":["a","b"]})");
  EXPECT_TRUE(c.problems.empty());
  EXPECT_EQ(c.tree.find("names")->items[1].path, "names[1]");
  EXPECT_EQ(c.tree.find("mode")->origin.text(), "default");
}

TEST(schema_check, units_become_whole_numbers_and_are_printed_with_their_unit) {
  const Checked c = run(kStorage, R"({"linger": "20ms", "segment_bytes": "1GiB"})");
  EXPECT_EQ(c.tree.find("segment_bytes")->integer, 1LL << 30);
  EXPECT_EQ(c.tree.find("linger")->integer, 20'000'000);
  EXPECT_NE(c.pretty().find("\"linger\": \"20ms\""), std::string::npos) << c.pretty();
}

TEST(schema_check, bytes_may_be_a_bare_number_but_a_duration_wants_its_unit) {
  EXPECT_EQ(run(kStorage, R"({"segment_bytes": 2097152})").tree.find("segment_bytes")->integer, 2'097'152);
  EXPECT_EQ(run(kStorage, R"({"linger": 0})").problems.size(), 0u);
  const std::string words = run(kStorage, R"({"linger": 30})").only();
  EXPECT_EQ(words.find("a.jsonc:1: linger: want a duration with its unit such as 30s"), 0u) << words;
}

TEST(schema_check, a_wrong_unit_is_a_problem_with_place_and_path) {
  const std::string words = run(kStorage, "{\n\"segment_bytes\": \"64s\"}").only();
  EXPECT_EQ(words, "a.jsonc:2: segment_bytes: want a size such as 64MiB or 1GB (units B kB MB GB TB KiB MiB GiB TiB), have \"64s\"");
}

TEST(schema_check, a_range_is_told_in_the_unit_of_the_key) {
  EXPECT_EQ(run(kStorage, R"({"segment_bytes": "5GiB"})").only(), "a.jsonc:1: segment_bytes: wanted 1MiB to 4GiB, found 5GiB");
  EXPECT_EQ(run(kStorage, R"({"linger": "1m"})").only(), "a.jsonc:1: linger: wanted 0s to 10s, found 1m");
  EXPECT_EQ(run(kStorage, R"({"refuse_produce_at": 1.5})").only(), "a.jsonc:1: refuse_produce_at: wanted 0 to 1, found 1.5");
  EXPECT_TRUE(run(kStorage, R"({"refuse_produce_at": 1, "segment_bytes": "1MiB"})").problems.empty()) << "the ends belong to the range";
}

TEST(schema_check, an_unknown_key_gets_the_nearest_one_as_a_suggestion) {
  EXPECT_EQ(run(kStorage, R"({"segmnt_bytes": 1})").only(), "a.jsonc:1: segmnt_bytes: unknown key; did you mean \"segment_bytes\"?");
}

TEST(schema_check, a_key_that_lives_elsewhere_gets_its_whole_path) {
  constexpr std::string_view kTwo = R"({"type": "object", "properties": {
    "node": {"type": "object", "properties": {"data_dir": {"type": "string"}}},
    "log": {"type": "object", "properties": {"level": {"type": "string"}}},
    "plugins": {"type": "object", "additionalProperties": {"type": "object", "properties": {"enabled": {"type": "boolean"}}}}}})";
  EXPECT_EQ(run(kTwo, R"({"log": {"data_dir": "/x"}})").only(), "a.jsonc:1: log.data_dir: unknown key; did you mean node.data_dir?");
  EXPECT_EQ(run(kTwo, R"({"log": {"enabled": true}})").only(), "a.jsonc:1: log.enabled: unknown key; did you mean plugins.NAME.enabled?");
  EXPECT_EQ(run(kTwo, R"({"log": {"wholly_other": true}})").only(), "a.jsonc:1: log.wholly_other: unknown key; known here: level");
}

TEST(schema_check, an_empty_key_is_unknown_too) { EXPECT_EQ(run(kStorage, R"({"": 1})").problems.size(), 1u); }

TEST(schema_check, all_problems_are_collected) {
  const Checked c = run(kStorage, R"({"segment_bytes": true, "sync": "yes", "mode": "fsat", "names": ["a", 1], "x": {}, "refuse_produce_at": "a"})");
  ASSERT_EQ(c.problems.size(), 6u);
  EXPECT_EQ(c.problems[0], "a.jsonc:1: segment_bytes: wanted a whole number, found true");
  EXPECT_EQ(c.problems[1], "a.jsonc:1: refuse_produce_at: wanted a number, found \"a\"");
  EXPECT_EQ(c.problems[2], "a.jsonc:1: sync: wanted true or false, found \"yes\"");
  EXPECT_EQ(c.problems[3], "a.jsonc:1: mode: wanted one of \"fast\", \"safe\", found \"fsat\"; did you mean \"fast\"?");
  EXPECT_EQ(c.problems[4], "a.jsonc:1: names[1]: wanted a text, found 1");
}

TEST(schema_check, the_list_of_problems_has_a_bound) {
  std::string text = "{";
  for (size_t i = 0; i < kProblemsMax + 5; ++i) text += "\"unknown" + std::to_string(i) + "\":0,";
  text.back() = '}';
  Problems problems;
  Node tree = parse_jsonc(text, {}).value();
  check(tree, Schema::parse(kStorage, "s").value(), problems);
  EXPECT_EQ(problems.lines().size(), kProblemsMax);
  EXPECT_NE(problems.status().message().find("\nand 5 more"), std::string::npos);
}

TEST(schema_check, a_required_key_that_is_missing_is_named) {
  constexpr std::string_view kRequired = R"({"properties": {"a": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}},
                                             "required": ["a"]})";
  EXPECT_EQ(run(kRequired, "{}").only(), "a.jsonc:1: a: is required and missing");
  EXPECT_EQ(run(kRequired, R"({"a": {}})").only(), "a.jsonc:1: a.b: is required and missing");
  EXPECT_TRUE(run(kRequired, R"({"a": {"b": 1}})").problems.empty());
}

TEST(schema_check, an_optional_object_with_a_required_key_may_be_absent_as_a_whole) {
  constexpr std::string_view kOptional = R"({"properties": {"tls": {"properties": {"cert": {"type": "string"}}, "required": ["cert"]}}})";
  const Checked c = run(kOptional, "{}");
  EXPECT_TRUE(c.problems.empty());
  EXPECT_EQ(c.compact(), "{}");
}

TEST(schema_check, free_keys_keep_the_order_of_the_text_and_are_filled_in) {
  constexpr std::string_view kFree = R"({"type": "object", "additionalProperties": {"properties": {"on": {"type": "boolean", "default": true}}}})";
  EXPECT_EQ(run(kFree, R"({"z": {}, "a": {"on": false}})").compact(), R"({"z":{"on":true},"a":{"on":false}})");
  EXPECT_EQ(run(kFree, R"({"z": {"off": 1}})").only(), "a.jsonc:1: z.off: unknown key; known here: on");
}

TEST(schema_check, text_lengths_are_checked) {
  EXPECT_EQ(run(R"({"properties": {"a": {"type": "string", "minLength": 1}}})", R"({"a": ""})").only(),
            "a.jsonc:1: a: wanted a text that is not empty, found \"\"");
}

TEST(schema_check, whole_numbers_written_with_an_exponent_are_whole) {
  constexpr std::string_view kInt = R"({"properties": {"a": {"type": "integer"}}})";
  EXPECT_EQ(run(kInt, R"({"a": 1e6})").tree.find("a")->integer, 1'000'000);
  EXPECT_EQ(run(kInt, R"({"a": 1.5})").only(), "a.jsonc:1: a: wanted a whole number, found 1.5");
  EXPECT_EQ(run(kInt, R"({"a": 18446744073709551615})").problems.size(), 1u);
}

TEST(schema_check, numbers_may_be_chosen_from_a_list) {
  constexpr std::string_view kChoice = R"({"properties": {"a": {"type": "integer", "enum": [1, 2]}, "b": {"type": "number", "enum": [1, 0.5]}}})";
  EXPECT_TRUE(run(kChoice, R"({"a": 2, "b": 1})").problems.empty());
  EXPECT_EQ(run(kChoice, R"({"a": 3})").only(), "a.jsonc:1: a: wanted one of 1, 2, found 3");
}

TEST(schema_check, a_secret_is_never_printed_and_never_in_a_problem) {
  const Checked good = run(kStorage, R"({"password": "hunter2"})");
  EXPECT_NE(good.compact().find("hunter2"), std::string::npos) << "the plugin gets it";
  EXPECT_EQ(good.pretty().find("hunter2"), std::string::npos) << good.pretty();
  EXPECT_NE(good.pretty().find("\"password\": \"***\""), std::string::npos) << good.pretty();
  EXPECT_EQ(run(kStorage, R"({"password": "pw"})").only(), "a.jsonc:1: password: wanted at least 4 characters, found text ***");
  EXPECT_EQ(run(kStorage, R"({"password": 4711})").only(), "a.jsonc:1: password: wanted a text, found integer ***");
}

TEST(schema_check, a_wrong_unit_of_a_secret_does_not_show_it) {
  const std::string words =
      run(R"({"properties": {"a": {"type": "integer", "x-unit": "bytes", "x-secret": true, "maximum": 10}}})", R"({"a": "hunter2"})").only();
  EXPECT_EQ(words.find("hunter2"), std::string::npos) << words;
  EXPECT_NE(words.find("have ***"), std::string::npos) << words;
}

TEST(schema_check, everything_inside_a_secret_is_secret) {
  const Checked c = run(R"({"properties": {"keys": {"type": "object", "additionalProperties": {"type": "string"}, "x-secret": true},
                                           "list": {"type": "array", "items": {"type": "string"}, "x-secret": true}}})",
                        R"({"keys": {"a": "hunter2"}, "list": ["hunter3"]})");
  EXPECT_EQ(c.pretty().find("hunter"), std::string::npos) << c.pretty();
  EXPECT_EQ(run(R"({"properties": {"list": {"type": "array", "items": {"type": "string"}, "x-secret": true}}})", R"({"list": [4711]})").only(),
            "a.jsonc:1: list[0]: wanted a text, found integer ***");
}

TEST(schema_check, what_no_schema_describes_is_not_printed) {
  const Checked c = run(R"({"properties": {"config": {"type": "object"}}})", R"({"config": {"password": "hunter2", "deep": {"list": [1234]}}})");
  EXPECT_TRUE(c.problems.empty());
  EXPECT_EQ(c.pretty().find("hunter2"), std::string::npos) << c.pretty();
  EXPECT_EQ(c.pretty().find("1234"), std::string::npos) << c.pretty();
  EXPECT_NE(c.pretty().find("\"password\""), std::string::npos) << "keys are shown";
}

TEST(schema_check, a_value_of_a_variable_or_flag_takes_the_type_that_is_wanted) {
  constexpr std::string_view kTypes = R"({"properties": {"text": {"type": "string"}, "whole": {"type": "integer"}, "real": {"type": "number"},
                                          "flag": {"type": "boolean"}}})";
  const auto checked = [&](std::string_view key, std::string_view value) {
    Node tree = make_object({}, {});
    tree.member(key) = parse_untyped(value, Origin{Layer::kFlag, "--set x", 0}, key);
    return run(kTypes, std::move(tree));
  };
  EXPECT_EQ(checked("text", "42").compact(), R"({"text":"42"})");
  EXPECT_EQ(checked("text", "1.50").compact(), R"({"text":"1.50"})") << "as it was written";
  EXPECT_EQ(checked("text", "true").compact(), R"({"text":"true"})");
  EXPECT_EQ(checked("whole", "\"42\"").compact(), R"({"whole":42})");
  EXPECT_EQ(checked("real", "3").compact(), R"({"real":3})");
  EXPECT_EQ(checked("flag", "\"true\"").compact(), R"({"flag":true})");
  EXPECT_EQ(checked("flag", "maybe").only(), "--set x: flag: wanted true or false, found \"maybe\"");
  EXPECT_EQ(run(kTypes, R"({"text": 42})").problems.size(), 1u) << "in a file a number is no text";
  EXPECT_EQ(run(kTypes, R"({"whole": "42"})").problems.size(), 1u);
}

TEST(schema_check, json_that_does_not_parse_is_said_to_be_broken) {
  Node tree = make_object({}, {});
  tree.member("list") = parse_untyped("[1,]", Origin{Layer::kFlag, "--set list", 0}, "list");
  EXPECT_EQ(run(R"({"properties": {"list": {"type": "array"}}})", std::move(tree)).only(),
            "--set list: list: wanted a list, found \"[1,]\" (not valid JSON)");
}

TEST(schema, a_word_that_would_be_ignored_is_refused) {
  EXPECT_EQ(schema_error(R"({"properties": {"a": {"type": "string", "pattern": "x+"}}})"),
            "schema of plugin x: properties.a.pattern: the schema word \"pattern\" is not offered here");
  EXPECT_NE(schema_error(R"({"properties": {"a": {"$ref": "#/b"}}})"), "no error");
}

TEST(schema, a_schema_that_contradicts_itself_is_refused) {
  EXPECT_NE(schema_error(R"({"type": "text"})"), "no error");
  EXPECT_NE(schema_error(R"({"type": ["string", "null"]})"), "no error");
  EXPECT_NE(schema_error(R"({"type": "string", "x-unit": "bytes"})"), "no error");
  EXPECT_NE(schema_error(R"({"type": "integer", "x-unit": "parsec"})"), "no error");
  EXPECT_NE(schema_error(R"({"properties": {"a": {}}, "required": ["b"]})"), "no error");
  EXPECT_NE(schema_error(R"([])"), "no error");
  EXPECT_NE(schema_error(R"({"type": "object",})"), "no error");
}

TEST(schema, remarks_and_the_padding_of_a_note_are_read_over) {
  EXPECT_EQ(schema_error(std::string_view("{\"title\": \"x\", \"$comment\": \"y\"}\0\0\0", 34)), "no error");
}

}  // namespace
}  // namespace ion::config
