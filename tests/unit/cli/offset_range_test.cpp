#include "core/offset_range.h"

#include <gtest/gtest.h>

namespace ion::cli {
namespace {

constexpr LogEnds kLog{{10}, {100}};

// "from" or "from..until" inside a log of [10, 100), or the code of the refusal.
std::string span(std::string_view text, const LogEnds& log = kLog) {
  const auto range = OffsetRange::parse(text);
  if (!range) return std::string(code_name(range.error().code()));
  const auto within = range->within(log);
  if (!within) return std::string(code_name(within.error().code()));
  return std::to_string(within->from.v) + (within->until ? ".." + std::to_string(within->until->v) : "");
}

TEST(OffsetRange, words_and_numbers) {
  EXPECT_EQ(span("start"), "10");
  EXPECT_EQ(span("oldest"), "10");
  EXPECT_EQ(span("end"), "100");
  EXPECT_EQ(span("newest"), "100");
  EXPECT_EQ(span("42"), "42");
}

TEST(OffsetRange, distances_count_from_the_ends_and_stay_inside) {
  EXPECT_EQ(span("+5"), "15");
  EXPECT_EQ(span("-5"), "95");
  EXPECT_EQ(span("+500"), "100");
  EXPECT_EQ(span("-500"), "10");
}

TEST(OffsetRange, a_number_outside_the_log_is_out_of_range_but_its_end_is_not) {
  EXPECT_EQ(span("9"), "OUT_OF_RANGE");
  EXPECT_EQ(span("101"), "OUT_OF_RANGE");
  EXPECT_EQ(span("100"), "100");
}

TEST(OffsetRange, the_refusal_names_the_offset_and_the_log) {
  const auto within = OffsetRange::parse("999")->within(kLog);
  ASSERT_FALSE(within);
  for (const char* part : {"999", "10", "100"}) EXPECT_NE(within.error().message().find(part), std::string::npos) << within.error().message();
}

TEST(OffsetRange, ranges_are_half_open) {
  EXPECT_EQ(span("20:30"), "20..30");
  EXPECT_EQ(span("20-30"), "20..30");
  EXPECT_EQ(span(":30"), "10..30");
  EXPECT_EQ(span("20:"), "20");
  EXPECT_EQ(span("-20:-10"), "80..90");
  EXPECT_EQ(span("start:+3"), "10..13");
  EXPECT_EQ(span("20:end"), "20..100");
}

TEST(OffsetRange, a_range_that_ends_before_it_begins_is_refused) {
  EXPECT_EQ(span("30:20"), "INVALID");
  EXPECT_EQ(span("30-30"), "INVALID");
  EXPECT_EQ(span("-10:-20"), "INVALID");
}

TEST(OffsetRange, an_empty_range_is_not_called_reversed) {
  EXPECT_NE(OffsetRange::parse("5:5").error().message().find("is empty: its end is the first offset that is not read"), std::string::npos);
  for (const char* text : {"end:end", "end:start", "end:100", "-5:start", ":0", "-5:-5"}) {
    const auto range = OffsetRange::parse(text);
    ASSERT_FALSE(range) << text;
    EXPECT_NE(range.error().message().find("is empty"), std::string::npos) << text;
  }
  EXPECT_NE(OffsetRange::parse("5:4").error().message().find("ends before it begins"), std::string::npos);
}

TEST(OffsetRange, a_log_that_lies_behind_a_range_has_nothing_of_it_and_one_that_lies_before_it_is_out_of_range) {
  EXPECT_EQ(span("2:10"), "10..10");
  EXPECT_EQ(span("0:5"), "10..10");
  EXPECT_EQ(span(":5"), "10..10");
  EXPECT_EQ(span("2:11"), "OUT_OF_RANGE") << "10 is wanted, and 2 too";
  EXPECT_EQ(span("101:110"), "OUT_OF_RANGE");
  EXPECT_EQ(span("100:110"), "100..100");
}

TEST(OffsetRange, nonsense_is_refused) {
  for (const char* text : {"", "x", "5x", "+", "-", "1:2:3", ":", "--5", "1-2-3", "99999999999999999999", "@2026-01-01"}) EXPECT_EQ(span(text), "INVALID") << text;
}

TEST(OffsetRange, only_plain_start_and_end_need_no_question) {
  EXPECT_FALSE(OffsetRange::parse("start")->needs_ends());
  EXPECT_FALSE(OffsetRange::parse("end")->needs_ends());
  for (const char* text : {"0", "+1", "-1", "start:5"}) EXPECT_TRUE(OffsetRange::parse(text)->needs_ends()) << text;
}

}  // namespace
}  // namespace ion::cli
