#include <ion/units.h>

#include <gtest/gtest.h>

namespace ion {
namespace {

struct UnitCase {
  const char* text;
  int64_t value;
};

TEST(Units, bytes_are_read_exactly) {
  const UnitCase cases[] = {{"0", 0}, {"17", 17}, {"17B", 17}, {"64MiB", 64LL << 20}, {"1GB", 1'000'000'000}, {"1kB", 1000}, {"1KB", 1000},
                            {"1 KiB", 1024}, {"1.5GiB", 3LL << 29}, {"0.1GB", 100'000'000}, {"2TiB", 2LL << 40}, {"5TB", 5'000'000'000'000}};
  for (const UnitCase& c : cases) {
    const Result<int64_t> got = parse_bytes(c.text);
    ASSERT_TRUE(got.has_value()) << c.text << ": " << got.error().message();
    EXPECT_EQ(*got, c.value) << c.text;
  }
}

TEST(Units, durations_are_read_exactly) {
  const UnitCase cases[] = {{"0", 0}, {"30s", 30'000'000'000}, {"5ms", 5'000'000}, {"7us", 7'000}, {"9ns", 9}, {"2m", 120'000'000'000},
                            {"1h", 3'600'000'000'000}, {"7d", 604'800'000'000'000}, {"0.5s", 500'000'000}, {"1.5ms", 1'500'000}};
  for (const UnitCase& c : cases) {
    const Result<Nanos> got = parse_duration(c.text);
    ASSERT_TRUE(got.has_value()) << c.text << ": " << got.error().message();
    EXPECT_EQ(got->n, c.value) << c.text;
  }
}

TEST(Units, a_wrong_unit_is_refused_with_what_was_wanted_and_what_was_there) {
  for (const char* text : {"64Mb", "64 MiBs", "MiB", "", "-1B", "1.B", ".5B", "1e6", "0x10", "1,5GB", "30s"}) {
    const Result<int64_t> got = parse_bytes(text);
    ASSERT_FALSE(got.has_value()) << text;
    EXPECT_NE(got.error().message().find("want a size such as 64MiB"), std::string::npos);
    EXPECT_NE(got.error().message().find("have \"" + std::string(text) + "\""), std::string::npos) << got.error().message();
  }
  for (const char* text : {"30", "30sec", "s", "64MiB", "-5s"}) EXPECT_FALSE(parse_duration(text).has_value()) << text;
}

TEST(Units, what_is_not_whole_or_does_not_fit_is_refused) {
  EXPECT_NE(parse_bytes("0.5B").error().message().find("not a whole number"), std::string::npos);
  EXPECT_NE(parse_bytes("9000000TiB").error().message().find("too large"), std::string::npos);
  EXPECT_FALSE(parse_bytes("99999999999999999999").has_value());
  EXPECT_FALSE(parse_duration("300000000d").has_value());
  EXPECT_EQ(parse_bytes("0.000000000000000TiB").value(), 0);
  EXPECT_EQ(parse_bytes("0.000976562500000MiB").value(), 1024);
  EXPECT_EQ(parse_bytes("8388607TiB").value(), 8388607LL << 40);
  EXPECT_FALSE(parse_bytes("8388608TiB").has_value()) << "one more than fits";
}

TEST(Units, a_value_is_printed_as_the_shortest_exact_text) {
  EXPECT_EQ(bytes_text(64LL << 20), "64MiB");
  EXPECT_EQ(bytes_text(1'500'000'000), "1500MB");
  EXPECT_EQ(bytes_text(1023), "1023B");
  EXPECT_EQ(duration_text({30'000'000'000}), "30s");
  EXPECT_EQ(duration_text({1'500'000'000}), "1500ms");
  EXPECT_EQ(duration_text({0}), "0s");
}

TEST(Units, what_is_printed_can_be_read_again) {
  for (int64_t v : {0LL, 1LL, 999LL, 1024LL, 1LL << 40, 123456789012345LL, 3'600'000'000'000LL}) {
    EXPECT_EQ(parse_bytes(bytes_text(v)).value(), v);
    EXPECT_EQ(parse_duration(duration_text({v})).value().n, v);
  }
}

TEST(Units, a_count_is_digits) {
  EXPECT_EQ(*parse_count("1000"), 1000u);
  EXPECT_EQ(*parse_count("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", "1.5", "x", "1x", " 1", "1 "}) {
    const auto parsed = parse_count(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message(), "want a whole number from 0 on, have \"" + std::string(text) + "\"");
  }
  EXPECT_EQ(parse_count("18446744073709551616").error().message(), "want a whole number from 0 on, have \"18446744073709551616\": too large");
}

}  // namespace
}  // namespace ion
