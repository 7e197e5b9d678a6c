#include "io/redactor.h"

#include <gtest/gtest.h>

namespace ion::redact {
namespace {

// The value afterwards, "=" when it stays, "!" and why when it is refused.
std::string redacted(const RedactConfig& config, std::string_view value) {
  const auto made = Redactor::make(config);
  if (!made) return "!" + made.error().message();
  const auto done = made->value(value);
  if (!done) return "!" + done.error().message();
  return *done ? **done : "=";
}
RedactConfig fields(std::vector<std::string> places, std::string mode = "mask") {
  RedactConfig config;
  config.fields = std::move(places), config.mode = std::move(mode);
  return config;
}

TEST(Redact, a_field_is_masked_and_all_else_stays_byte_for_byte) {
  EXPECT_EQ(redacted(fields({"/user/email"}), R"({ "z": 1.10, "user" : {"email": "a@b", "n":1e3} , "a":[1, 2]})"),
            R"({ "z": 1.10, "user" : {"email": "***", "n":1e3} , "a":[1, 2]})");
  EXPECT_EQ(redacted(fields({"/user/email"}), R"({"user":{"name":"x"}})"), "=");
  EXPECT_EQ(redacted(fields({"/a"}), R"({"a":{"b":[1,{"c":"}"}]},"d":2})"), R"({"a":"***","d":2})");
}

TEST(Redact, a_star_stands_for_each_item_and_each_field) {
  EXPECT_EQ(redacted(fields({"/cards/*/number"}), R"({"cards":[{"number":"1","x":1},{"x":2},{"number":3}]})"),
            R"({"cards":[{"number":"***","x":1},{"x":2},{"number":"***"}]})");
  EXPECT_EQ(redacted(fields({"/*/pin"}), R"({"a":{"pin":1},"b":{"pin":2}})"), R"({"a":{"pin":"***"},"b":{"pin":"***"}})");
  EXPECT_EQ(redacted(fields({"/list/1"}), R"({"list":[1,2,3]})"), R"({"list":[1,"***",3]})");
}

TEST(Redact, removing_leaves_json_behind_wherever_the_field_stood) {
  EXPECT_EQ(redacted(fields({"/a"}, "remove"), R"({"a":1,"b":2,"c":3})"), R"({"b":2,"c":3})");
  EXPECT_EQ(redacted(fields({"/b"}, "remove"), R"({"a":1,"b":2,"c":3})"), R"({"a":1,"c":3})");
  EXPECT_EQ(redacted(fields({"/c"}, "remove"), R"({"a":1,"b":2,"c":3})"), R"({"a":1,"b":2})");
  EXPECT_EQ(redacted(fields({"/a", "/b"}, "remove"), R"({"a":1,"b":[]})"), "{}");
  EXPECT_EQ(redacted(fields({"/x/*"}, "remove"), R"({"x":[1,[2],{"y":3}]})"), R"({"x":[]})");
}

TEST(Redact, a_field_cannot_hide_behind_escapes_or_a_second_one_of_its_name) {
  EXPECT_EQ(redacted(fields({"/email"}), R"({"em\u0061il":"a@b","email":"c@d"})"), R"({"em\u0061il":"***","email":"***"})");
  EXPECT_EQ(redacted(fields({"/a~1b"}), R"({"a/b":1})"), R"({"a/b":"***"})");
  EXPECT_EQ(redacted(fields({"/q"}), R"({"p":"\"q\":1","q":"\\"})"), R"({"p":"\"q\":1","q":"***"})");
}

TEST(Redact, what_cannot_be_read_is_refused_unless_it_may_pass) {
  EXPECT_EQ(redacted(fields({"/a"}), "{\"a\":1"), "!value: wanted JSON, have 6 bytes that are none");
  EXPECT_EQ(redacted(fields({"/a"}), std::string(100'000, '[')), "!value: wanted at most 64 arrays and objects in each other");
  RedactConfig config = fields({"/a"});
  config.not_json = "pass";
  EXPECT_EQ(redacted(config, "no json"), "=");
}

TEST(Redact, patterns_mask_every_match_in_values_and_headers) {
  RedactConfig config;
  config.patterns = {"[0-9]{4,}", "secret"}, config.mask = R"(\0)";
  EXPECT_EQ(redacted(config, "card 12345 and 6789, pin 123, secret"), R"(card \0 and \0, pin 123, \0)");
  EXPECT_EQ(redacted(config, "nothing"), "=");
  const auto made = Redactor::make(config);
  EXPECT_EQ(*made->header("any", "x 4444").value, R"(x \0)");
  EXPECT_FALSE(made->header("any", "x").value);
}

TEST(Redact, headers_are_masked_or_removed_by_name) {
  RedactConfig config;
  config.headers = {"authorization"};
  EXPECT_EQ(*Redactor::make(config)->header("authorization", "Bearer x").value, "***");
  EXPECT_FALSE(Redactor::make(config)->header("Authorization2", "Bearer x").value);
  config.mode = "remove";
  EXPECT_TRUE(Redactor::make(config)->header("authorization", "").removed);
}

TEST(Redact, settings_that_redact_nothing_or_everything_are_refused) {
  EXPECT_EQ(redacted({}, ""), "!wanted something to redact in fields, patterns or headers, have none");
  EXPECT_EQ(redacted(fields({"email"}), ""), "!fields: wanted a place as /user/email, have \"email\"");
  EXPECT_EQ(redacted(fields({"/a~2"}), ""), "!fields: wanted ~0 or ~1 behind ~, have \"/a~2\"");
  RedactConfig config;
  config.patterns = {"a*"};
  EXPECT_EQ(redacted(config, ""), "!patterns: \"a*\" also matches nothing, which is everywhere");
  config.patterns = {"("};
  EXPECT_TRUE(redacted(config, "").starts_with("!patterns: \"(\" is no regular expression of RE2"));
}

}  // namespace
}  // namespace ion::redact
