#include "core/units.h"

#include <gtest/gtest.h>

namespace ion::cli {
namespace {

TEST(Units, durations) {
  EXPECT_EQ(parse_duration("10s")->n, 10'000'000'000);
  EXPECT_EQ(parse_duration("500ms")->n, 500'000'000);
  EXPECT_EQ(parse_duration("2m")->n, 120'000'000'000);
  EXPECT_EQ(parse_duration("0")->n, 0);
}

TEST(Units, sizes) {
  EXPECT_EQ(*parse_size("1024"), 1024u);
  EXPECT_EQ(*parse_size("64KiB"), 65536u);
  EXPECT_EQ(*parse_size("1MB"), 1'000'000u);
}

TEST(Units, what_is_no_value_is_refused_with_its_text) {
  for (const char* text : {"", "s", "10", "10 s", "-1s", "1e3s", "999999999999d"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message().find("\"" + std::string(text) + "\""), std::string::npos);
  }
  for (const char* text : {"", "KiB", "1kib", "-1", "99999999999GiB"}) EXPECT_FALSE(parse_size(text)) << text;
  for (const char* text : {"", "-1", "1.5", "x", "1x"}) EXPECT_FALSE(parse_count(text)) << text;
  EXPECT_EQ(*parse_integer("-7"), -7);
}

}  // namespace
}  // namespace ion::cli
