// The times that -o takes.
#include "core/time_range.h"

#include <gtest/gtest.h>

namespace ion::cli {
namespace {

constexpr WallMs kNow{1'770'000'000'000};
constexpr int64_t kHour = 3'600'000, kDay = 86'400'000;
constexpr int64_t kFeb14 = 1'771'027'200'000;  // 2026-02-14T00:00:00Z

TimeRange range(std::string_view text) {
  auto parsed = TimeRange::parse(text, kNow);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().text());
  return parsed ? *parsed : TimeRange{};
}

TEST(TimeRange, a_time_alone_begins_there_and_has_no_end) {
  EXPECT_EQ(range("@1700000000123"), (TimeRange{WallMs{1'700'000'000'123}, {}, false}));
  EXPECT_EQ(range("@1700000000").from->ms, 1'700'000'000'000);
  EXPECT_EQ(range("@2026-02-14").from->ms, kFeb14);
  EXPECT_EQ(range("@2026-02-14T12:30:00Z").from->ms, kFeb14 + 12 * kHour + kHour / 2);
  EXPECT_EQ(range("@2026-02-14T12:30:00.25+02:30").from->ms, kFeb14 + 10 * kHour + 250);
  EXPECT_EQ(range("@2026-02-14T00:00:00-01:00").from->ms, kFeb14 + kHour);
  EXPECT_EQ(range("@1969-12-31").from->ms, -kDay);
  EXPECT_EQ(range("@1970-01-01").from->ms, 0);
  EXPECT_EQ(range("@2000-02-29").from->ms, 951'782'400'000);
  EXPECT_EQ(range("@2100-03-01").from->ms, 4'107'542'400'000);
  EXPECT_EQ(range("@0001-01-01").from->ms, -62'135'596'800'000);
  EXPECT_EQ(range("@-1h").from->ms, kNow.ms - kHour);
  EXPECT_EQ(range("@-1d12h").from->ms, kNow.ms - kDay - 12 * kHour);
  EXPECT_EQ(range("@-90m:"), (TimeRange{WallMs{kNow.ms - 90 * 60'000}, {}, false}));
  EXPECT_FALSE(range("@-1h").bounded());
}

TEST(TimeRange, an_end_is_a_time_or_a_length_or_the_end) {
  EXPECT_EQ(range("@-48h:-24h"), (TimeRange{WallMs{kNow.ms - 2 * kDay}, WallMs{kNow.ms - kDay}, false}));
  EXPECT_EQ(range("@2026-02-14:1h"), (TimeRange{WallMs{kFeb14}, WallMs{kFeb14 + kHour}, false}));
  EXPECT_EQ(range("@2026-02-14T12:00:00Z:2026-02-15"), (TimeRange{WallMs{kFeb14 + 12 * kHour}, WallMs{kFeb14 + kDay}, false}));
  EXPECT_EQ(range("@-1m:end"), (TimeRange{WallMs{kNow.ms - 60'000}, {}, true}));
  EXPECT_EQ(range("@:-1h"), (TimeRange{{}, WallMs{kNow.ms - kHour}, false}));
  EXPECT_EQ(range("@:end"), (TimeRange{{}, {}, true}));
  EXPECT_TRUE(range("@:end").bounded());
}

TEST(TimeRange, what_is_no_time_is_refused_with_what_was_wanted) {
  for (const char* text : {"@", "@:", "@x", "@12", "@123456789012345", "@2026-2-14", "@2026-02-30", "@2100-02-29", "@2026-04-31", "@2026-00-10", "@2026-01-00", "@2026-13-01", "@2026-02-14T12:30Z", "@2026-02-14T25:00:00Z",
                           "@2026-02-14T12:00:00", "@-1", "@-1y", "@1h", "@-1h:1", "@-1h:end:end", "@:1h", "@-999999999999w", "@2026-02-14T12:00:00.Z"}) {
    const auto parsed = TimeRange::parse(text, kNow);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message().find("want @TIME"), std::string::npos) << parsed.error().message();
    EXPECT_NE(parsed.error().message().find(text), std::string::npos);
  }
  EXPECT_NE(TimeRange::parse("@-1h:-2h", kNow).error().message().find("ends before it begins"), std::string::npos);
}

}  // namespace
}  // namespace ion::cli
