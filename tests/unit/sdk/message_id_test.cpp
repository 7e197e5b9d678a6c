#include <gtest/gtest.h>
#include <ion/message_id.h>

#include <algorithm>
#include <random>

namespace ion {
namespace {

constexpr int64_t kSpan = message_id::kOffsetSpan;

// RFC 9562, appendix A.6: 2022-02-22 14:22:22.00 GMT-05:00. Its random bits are read as our offset and log id.
TEST(MessageId, reads_and_writes_the_example_of_rfc_9562) {
  const Result<Uuid> id = message_id::from_text("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
  ASSERT_TRUE(id.has_value());
  const Result<message_id::Parts> parts = message_id::parse(*id);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->time.ms, 1'645'557'742'000);
  EXPECT_EQ(parts->offset_low.v, 0xcc3'631'3703 & (kSpan - 1));
  EXPECT_EQ(parts->log.v, 0x00c07398fu);
  EXPECT_EQ(message_id::make(parts->time, parts->offset_low, parts->log).text(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

// The layout: ms 48 | 0111 | offset[39:28] | 10 | offset[27:0] | log id 34.
TEST(MessageId, has_the_layout_of_the_design) {
  EXPECT_EQ(message_id::make({0}, {0}, {0}).text(), "00000000-0000-7000-8000-000000000000");
  EXPECT_EQ(message_id::make({message_id::kTimeEnd - 1}, {kSpan - 1}, {kLogIdMax}).text(), "ffffffff-ffff-7fff-bfff-ffffffffffff");
  EXPECT_EQ(message_id::make({1}, {0}, {0}).text(), "00000000-0001-7000-8000-000000000000");
  EXPECT_EQ(message_id::make({0}, {int64_t{1} << 28}, {0}).text(), "00000000-0000-7001-8000-000000000000");
  EXPECT_EQ(message_id::make({0}, {1}, {0}).text(), "00000000-0000-7000-8000-000400000000");
  EXPECT_EQ(message_id::make({0}, {0}, {1}).text(), "00000000-0000-7000-8000-000000000001");
}

TEST(MessageId, goes_round_for_any_time_offset_and_log) {
  const uint64_t seed = 20'240'509;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200; ++i) {
    const WallMs time{static_cast<int64_t>(random() >> 16)};
    const Offset offset{static_cast<int64_t>(random() >> (1 + random() % 60))};
    const LogId log{random() & kLogIdMax};
    const Uuid id = message_id::make(time, offset, log);
    EXPECT_EQ(id.bytes[6] >> 4, 7);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
    ASSERT_EQ(*message_id::from_text(id.text()), id);
    const Result<message_id::Parts> parts = message_id::parse(id);
    ASSERT_TRUE(parts.has_value());
    EXPECT_EQ(parts->time, time);
    EXPECT_EQ(parts->offset_low.v, offset.v % kSpan);
    EXPECT_EQ(parts->log, log);
    const int64_t before = std::min(offset.v, static_cast<int64_t>(random() % static_cast<uint64_t>(kSpan - 1)));
    const message_id::LogBounds bounds{{offset.v - before}, {offset.v - before + std::min(kSpan, INT64_MAX - offset.v + before)}};
    const Result<Offset> found = message_id::resolve(*parts, bounds);
    ASSERT_TRUE(found.has_value()) << found.error().text();
    EXPECT_EQ(*found, offset);
  }
}

TEST(MessageId, clamps_a_time_that_no_clock_says) {
  EXPECT_EQ(message_id::parse(message_id::make({-5}, {1}, {1}))->time.ms, 0);
  EXPECT_EQ(message_id::parse(message_id::make({INT64_MAX}, {1}, {1}))->time.ms, message_id::kTimeEnd - 1);
}

TEST(MessageId, sorts_by_time_then_offset_inside_a_log) {
  EXPECT_LT(message_id::make({5}, {1000}, {3}), message_id::make({6}, {1}, {3}));
  EXPECT_LT(message_id::make({5}, {(int64_t{1} << 28) - 1}, {3}), message_id::make({5}, {int64_t{1} << 28}, {3}));
}

TEST(MessageId, refuses_other_uuids) {
  EXPECT_EQ(message_id::parse(Uuid::random(1, 2)).error().code(), ION_E_INVALID);
  Uuid variant = message_id::make({1}, {2}, {3});
  variant.bytes[8] |= 0x40;
  EXPECT_EQ(message_id::parse(variant).error().code(), ION_E_INVALID);
}

TEST(MessageId, refuses_text_that_is_no_uuid) {
  for (const char* text : {"", "017F22E2-79B0-7CC3-98C4-DC0C0C07398", "017F22E2-79B0-7CC3-98C4-DC0C0C07398FF",
                           "017F22E2x79B0-7CC3-98C4-DC0C0C07398F", "017F22E2-79B0-7CC3-98C4-DC0C0C07398G",
                           "017F22E279B0-7CC3-98C4-DC0C0C07398F0", "{17F22E2-79B0-7CC3-98C4-DC0C0C07398}"})
    EXPECT_EQ(message_id::from_text(text).error().code(), ION_E_INVALID) << text;
}

TEST(MessageId, finds_the_true_offset_only_inside_the_log) {
  const auto at = [](int64_t low, int64_t start, int64_t end) {
    const Result<Offset> found = message_id::resolve({{}, {low}, {}}, {{start}, {end}});
    return found ? found->v : -1;
  };
  EXPECT_EQ(at(5, 0, 10), 5);
  EXPECT_EQ(at(0, 0, 1), 0);
  EXPECT_EQ(at(10, 0, 10), -1);
  EXPECT_EQ(at(0, 0, 0), -1);
  EXPECT_EQ(at(4, 5, 10), -1);
  EXPECT_EQ(at(5, kSpan * 3 + 1, kSpan * 3 + 9), kSpan * 3 + 5);
  EXPECT_EQ(at(5, kSpan * 3 + 6, kSpan * 4 + 5), -1);
  EXPECT_EQ(at(5, kSpan * 3 + 6, kSpan * 4 + 6), kSpan * 4 + 5);
  EXPECT_EQ(at(7, INT64_MAX - 10, INT64_MAX), -1);
  EXPECT_EQ(at(kSpan - 2, INT64_MAX - 10, INT64_MAX), INT64_MAX - 1);
}

TEST(MessageId, tells_a_deleted_offset_from_one_that_is_not_there_yet) {
  const auto why = [](int64_t low, int64_t start, int64_t end) { return message_id::resolve({{}, {low}, {}}, {{start}, {end}}).error(); };
  EXPECT_EQ(why(4, 5, 10).code(), ION_E_OUT_OF_RANGE);
  EXPECT_NE(why(4, 5, 10).message().find("the first that is there is 5"), std::string::npos) << why(4, 5, 10).text();
  EXPECT_EQ(why(10, 5, 10).code(), ION_E_NOT_FOUND);
  EXPECT_EQ(why(10, 5, 10).reason(), "NOT_YET");
  EXPECT_EQ(why(0, 0, 0).reason(), "NOT_YET");
  EXPECT_EQ(why(kSpan - 1, 0, 10).reason(), "NOT_YET") << "nothing lies before 0";
  EXPECT_EQ(why(5, kSpan * 3 + 6, kSpan * 3 + 20).code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(why(20, kSpan * 3 + 6, kSpan * 3 + 20).reason(), "NOT_YET");
}

TEST(MessageId, is_of_a_record_with_its_time_alone) {
  const message_id::Parts parts = *message_id::parse(message_id::make({-5}, {1}, {1}));
  EXPECT_TRUE(message_id::is_time_of(parts, {-5})) << "clamped as when the id was made";
  EXPECT_FALSE(message_id::is_time_of(parts, {1}));
}

}  // namespace
}  // namespace ion
