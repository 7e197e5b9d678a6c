#include "base/log_line.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <vector>

namespace ion::base {
namespace {

constexpr WallMs kTime{1'769'850'487'654};  // 2026-01-31T09:08:07.654Z

std::string text(std::string_view message, std::vector<LogPart> fields = {}) {
  return format_line(LogFormat::kText, {kTime, LogLevel::kInfo, "partition", message, fields});
}
std::string json(std::string_view message, std::vector<LogPart> fields = {}) {
  return format_line(LogFormat::kJson, {kTime, LogLevel::kWarn, "plugin/dlq", message, fields});
}

TEST(log_line, a_text_line_has_time_level_name_message_and_fields) {
  EXPECT_EQ(text("opened", {{"topic", "orders"}, {"partition", "3"}}),
            "2026-01-31T09:08:07.654Z info  partition opened topic=orders partition=3");
  EXPECT_EQ(text("opened"), "2026-01-31T09:08:07.654Z info  partition opened");
}

TEST(log_line, a_json_line_is_one_object) {
  EXPECT_EQ(json("opened", {{"topic", "orders"}}),
            R"({"time":"2026-01-31T09:08:07.654Z","level":"warn","logger":"plugin/dlq","message":"opened","fields":{"topic":"orders"}})");
  EXPECT_EQ(json("opened"), R"({"time":"2026-01-31T09:08:07.654Z","level":"warn","logger":"plugin/dlq","message":"opened"})");
}

TEST(log_line, values_that_could_be_misread_are_quoted) {
  EXPECT_NE(text("m", {{"path", "/data/a b"}}).find(R"( path="/data/a b")"), std::string::npos);
  EXPECT_NE(text("m", {{"empty", ""}}).find(R"( empty="")"), std::string::npos);
  EXPECT_NE(text("m", {{"v", R"(say "hi" \o/)"}}).find(R"( v="say \"hi\" \\o/")"), std::string::npos);
  EXPECT_NE(text("m", {{"v", "x level=error"}}).find(R"( v="x level=error")"), std::string::npos);
  EXPECT_NE(text("m", {{"a b", "1"}}).find(R"( "a b"=1)"), std::string::npos);
}

TEST(log_line, no_text_from_outside_begins_a_line_or_colours_a_terminal) {
  const std::string evil = "a\nb\rc\td\x1b[31m\x7f\xc2\x9b" "e";
  EXPECT_NE(text(evil).find(R"(a\nb\rc\td\x1b[31m\x7f\u009be)"), std::string::npos);
  for (const std::string& line : {text(evil, {{evil, evil}}), json(evil, {{evil, evil}})})
    for (const char c : line) ASSERT_GE(static_cast<uint8_t>(c), 0x20);
}

TEST(log_line, bytes_that_are_not_utf8_are_shown_and_json_stays_json) {
  // stray, cut off, overlong, surrogate, beyond U+10FFFF
  for (const std::string bad : {"\x80", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    const auto parsed = nlohmann::json::parse(json(bad, {{bad, bad}}), nullptr, false);
    ASSERT_FALSE(parsed.is_discarded());
    EXPECT_NE(parsed["message"].get<std::string>().find("\xef\xbf\xbd"), std::string::npos);
  }
  EXPECT_NE(text("\xff").find(R"(\xff)"), std::string::npos);
}

TEST(log_line, utf8_stays_as_it_is) {
  const std::string word = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";  // two, three and four bytes
  EXPECT_NE(text(word).find(word), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(json(word, {{"k", word}}))["fields"]["k"], word);
}

TEST(log_line, json_gives_back_what_went_in) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(nlohmann::json::parse(json(all, {{"k", all}}))["fields"]["k"], all);
}

TEST(log_line, what_is_too_long_is_cut_and_says_so) {
  EXPECT_EQ(text(std::string(10'000, 'x')).size(), text("").size() + kLogTextBytesMax + 3);
  EXPECT_TRUE(text("m", {{"v", std::string(5000, 'y')}}).ends_with("y...\""));
  std::string wide;
  for (int i = 0; i < 2000; ++i) wide += "\xe2\x82\xac";
  EXPECT_FALSE(nlohmann::json::parse(json(wide, {{"k", wide}}), nullptr, false).is_discarded());  // not cut inside a character
  const std::vector<LogPart> many(kLogFieldsMax + 10, {"k", "v"});
  EXPECT_EQ(text("m", many).size(), text("m").size() + kLogFieldsMax * 4);
}

TEST(log_line, times_of_all_ages_are_dates) {
  EXPECT_EQ(iso_time({0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso_time({951'782'400'001}), "2000-02-29T00:00:00.001Z");
  EXPECT_EQ(iso_time({-1}), "1969-12-31T23:59:59.999Z");
}

TEST(log_line, an_unknown_level_is_shown_as_an_error) { EXPECT_EQ(level_name(static_cast<LogLevel>(77)), "error"); }

}  // namespace
}  // namespace ion::base
