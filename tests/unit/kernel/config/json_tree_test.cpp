#include "config/json_text.h"
#include "config/json_tree.h"

#include <gtest/gtest.h>

namespace ion::config {
namespace {

const Origin kFile{Layer::kFile, "a.jsonc", 0};

Node tree(std::string_view text) {
  Result<Node> node = parse_jsonc(text, kFile);
  EXPECT_TRUE(node.has_value()) << (node ? "" : node.error().message());
  return node ? *std::move(node) : Node{};
}
std::string error(std::string_view text) {
  const Result<Node> node = parse_jsonc(text, kFile);
  return node ? "no error" : node.error().message();
}

TEST(json_tree, comments_of_both_kinds_are_read_over) {
  const Node node = tree("{ // one\n \"a\": /* two\n lines */ 1 }");
  ASSERT_NE(node.find("a"), nullptr);
  EXPECT_EQ(node.find("a")->integer, 1);
}

TEST(json_tree, every_kind_of_value_arrives) {
  const Node node = tree(R"({"n": null, "t": true, "i": -7, "f": 0.5, "s": "x\u00e9\n", "l": [1, "b"], "o": {}})");
  EXPECT_TRUE(node.find("n")->is(Kind::kNull));
  EXPECT_TRUE(node.find("t")->truth);
  EXPECT_EQ(node.find("i")->integer, -7);
  EXPECT_EQ(node.find("f")->number, 0.5);
  EXPECT_EQ(node.find("s")->text, "x\xc3\xa9\n");
  EXPECT_EQ(node.find("l")->items[1].text, "b");
  EXPECT_TRUE(node.find("o")->is(Kind::kObject));
}

TEST(json_tree, objects_keep_the_order_of_the_text) {
  const Node node = tree(R"({"zebra": 1, "ant": 2, "mouse": 3})");
  EXPECT_EQ(json_text(node, Look::kCompact), R"({"zebra":1,"ant":2,"mouse":3})");
}

TEST(json_tree, every_value_knows_its_line_and_path) {
  const Node node = tree("{\n  \"a\": {\n    \"b.c\": [1,\n      22\n    ]\n  },\n  \"d\": \"x\"\n}");
  const Node& list = *node.find("a")->find("b.c");
  EXPECT_EQ(list.path, "a[\"b.c\"]");
  EXPECT_EQ(list.origin.text(), "a.jsonc:3");
  EXPECT_EQ(list.items[0].origin.line, 3u);
  EXPECT_EQ(list.items[1].origin.line, 4u) << "the byte behind a number is already on the next line";
  EXPECT_EQ(list.items[1].path, "a[\"b.c\"][1]");
  EXPECT_EQ(node.find("d")->origin.line, 7u);
}

TEST(json_tree, a_fragment_carries_the_path_of_its_place) {
  const Result<Node> node = parse_jsonc(R"({"b": 1})", kFile, "plugins.dlq");
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(node->find("b")->path, "plugins.dlq.b");
}

TEST(json_tree, a_trailing_comma_is_an_error_with_line_and_column) {
  const std::string words = error("{\n  \"a\": 1,\n}");
  EXPECT_EQ(words.substr(0, 13), "a.jsonc:3:1: ") << words;
  EXPECT_NE(words.find("wanted string literal, found '}'"), std::string::npos) << words;
  EXPECT_NE(words.find("comma"), std::string::npos) << words;
}

TEST(json_tree, a_trailing_comma_in_a_list_is_an_error_too) {
  const std::string words = error("{\"a\": [1, ]}");
  EXPECT_EQ(words.substr(0, 14), "a.jsonc:1:11: ") << words;
  EXPECT_NE(words.find("comma"), std::string::npos) << words;
}

TEST(json_tree, a_wrong_word_is_named_where_it_begins) {
  EXPECT_EQ(error("{\n  \"a\": \"\xc3\xa9\", \"b\": nul }"), "a.jsonc:2:18: wanted valid JSON, found invalid literal");
  EXPECT_EQ(error("{key: 1}"), "a.jsonc:1:2: wanted string literal, found invalid literal");
  EXPECT_EQ(error("{\"a\": true false}"), "a.jsonc:1:12: wanted '}', found false literal");
}

TEST(json_tree, a_number_that_does_not_fit_is_an_error) {
  EXPECT_EQ(error("[1e999]"), "a.jsonc:1:6: wanted valid JSON, found number overflow parsing '1e999'");
}

TEST(json_tree, a_comment_that_does_not_end_is_an_error) { EXPECT_NE(error("{} /* open").find("missing closing '*/'"), std::string::npos); }

TEST(json_tree, a_missing_colon_tells_what_was_wanted) {
  const std::string words = error("{\n  \"caf\xc3\xa9\" 12345\n}");
  EXPECT_EQ(words, "a.jsonc:2:10: wanted ':', found number literal") << "columns count characters, and a token begins at its first";
}

TEST(json_tree, the_end_of_the_text_is_named) {
  const std::string words = error("{\n  \"a\": 1");
  EXPECT_EQ(words.substr(0, 13), "a.jsonc:2:9: ") << words;
  EXPECT_NE(words.find("found end of input"), std::string::npos) << words;
}

TEST(json_tree, an_empty_text_is_an_error) { EXPECT_EQ(error("").substr(0, 13), "a.jsonc:1:1: "); }

TEST(json_tree, text_behind_the_value_is_an_error) { EXPECT_NE(error("{} {}").find("a.jsonc:1:4: "), std::string::npos) << error("{} {}"); }

TEST(json_tree, bytes_that_are_no_utf8_are_an_error) { EXPECT_NE(error("{\"a\": \"\xff\"}"), "no error"); }

TEST(json_tree, a_broken_text_is_not_repeated_because_it_may_be_a_secret) {
  EXPECT_EQ(error("{\"password\": \"hunter2\n\"}").find("hunter"), std::string::npos) << error("{\"password\": \"hunter2\n\"}");
}

TEST(json_tree, a_key_that_is_there_twice_is_an_error_naming_both_lines) {
  const std::string words = error("{\n \"log\": {\"level\": \"info\",\n  \"level\": \"warn\"}}");
  EXPECT_EQ(words, "a.jsonc:3: log.level: the key is there twice, first in line 2");
}

TEST(json_tree, the_same_key_in_two_objects_is_no_duplicate) { EXPECT_EQ(error(R"({"a": {"x": 1}, "b": {"x": 1}})"), "no error"); }

TEST(json_tree, nesting_has_a_bound) {
  std::string deep(kDepthMax + 1, '['), fits(kDepthMax, '[');
  deep.append(kDepthMax + 1, ']'), fits.append(kDepthMax, ']');
  EXPECT_EQ(error(fits), "no error");
  EXPECT_NE(error(deep).find("wanted at most 32 levels"), std::string::npos) << error(deep);
}

TEST(json_tree, an_object_has_a_bound) {
  std::string text = "{";
  for (size_t i = 0; i <= kMembersMax; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  text.back() = '}';
  EXPECT_NE(error(text).find("wanted at most 4096 keys"), std::string::npos) << error(text);
}

TEST(json_tree, a_text_has_a_bound) { EXPECT_NE(error(std::string(kTextBytesMax + 1, ' ')).find("wanted at most"), std::string::npos); }

TEST(json_tree, a_byte_order_mark_is_read_over) { EXPECT_EQ(error("\xef\xbb\xbf{}"), "no error"); }

TEST(json_tree, a_value_of_a_flag_is_json_if_it_is_json_and_else_text) {
  const Origin flag{Layer::kFlag, "--set a", 0};
  EXPECT_TRUE(parse_untyped("12", flag, "a").is(Kind::kInteger));
  EXPECT_EQ(parse_untyped("12", flag, "a").text, "12");
  EXPECT_TRUE(parse_untyped("[1]", flag, "a").is(Kind::kList));
  EXPECT_EQ(parse_untyped("127.0.0.1:0", flag, "a").text, "127.0.0.1:0");
  EXPECT_EQ(parse_untyped("\"12\"", flag, "a").text, "12");
  EXPECT_TRUE(parse_untyped("", flag, "a").is(Kind::kText));
}

TEST(json_text, texts_are_escaped_and_come_back_the_same) {
  const Node node = tree(R"({"a\"b": "\\ \" \n \t \u0001 é", "l": [[], {}, [null, false]]})");
  const std::string text = json_text(node, Look::kCompact);
  EXPECT_EQ(json_text(tree(text), Look::kCompact), text);
  EXPECT_NE(text.find("\\u0001"), std::string::npos) << text;
}

TEST(json_text, fractions_come_back_exactly) {
  EXPECT_EQ(json_text(tree("[0.1, 0.95, 1e300, 123456789.125]"), Look::kCompact), "[0.1,0.95,1e+300,123456789.125]");
}

TEST(json_text, a_line_is_spaced_for_people) {
  EXPECT_EQ(json_text(tree("{\"a\": 1,\n \"b\": {\"c\": [2, 3]}}"), Look::kLine), R"({"a": 1, "b": {"c": [2, 3]}})");
}

}  // namespace
}  // namespace ion::config
