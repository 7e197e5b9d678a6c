#include "pipeline/batch_rules.h"

#include <gtest/gtest.h>
#include <ion/record_writer.h>

#include <vector>

namespace ion::pipeline {
namespace {

constexpr WallMs kNow{1'800'000'000'000};
constexpr int64_t kHour = 3'600'000;

TimeCheck judge(const cluster::TopicSettings& settings, const std::vector<int64_t>& times, size_t pieces = 1) {
  batch::RecordWriter writer;
  for (const int64_t time : times) writer.append({std::nullopt, span_of("value"), WallMs{time}, {}});
  const std::vector<uint8_t> bytes = writer.finish();
  std::vector<ion_buf> parts;
  for (size_t i = 0, from = 0; i < pieces; ++i) {
    const size_t upto = bytes.size() * (i + 1) / pieces;
    parts.push_back(borrowed(std::span<const uint8_t>(bytes).subspan(from, upto - from)));
    from = upto;
  }
  return check_times(settings, "orders", parts, kNow);
}

TEST(BatchRules, times_ahead_are_taken_unless_the_topic_says_otherwise) {
  EXPECT_TRUE(judge({}, {kNow.ms, (int64_t{1} << 48) - 1}).why.ok());
  cluster::TopicSettings hour;
  hour.time_after_max = seconds(3600);
  EXPECT_TRUE(judge(hour, {0, kNow.ms, kNow.ms + kHour}).why.ok());
  for (const size_t pieces : {1, 3}) {
    const TimeCheck late = judge(hour, {kNow.ms, kNow.ms + kHour, kNow.ms + kHour + 1}, pieces);
    EXPECT_EQ(late.why.code(), ION_E_INVALID);
    EXPECT_EQ(late.why.reason(), "INVALID_TIMESTAMP");
    EXPECT_EQ(late.record, 2);
    EXPECT_EQ(late.why.message(), "record 2 of the batch has the timestamp 1800003600001, 3600001 ms ahead of the clock of the broker (1800000000000); topic orders "
                                  "takes at most 3600000 (message.timestamp.after.max.ms)");
  }
}

TEST(BatchRules, times_at_the_ends_of_what_64_bits_hold_are_as_far_away_as_they_look) {
  cluster::TopicSettings day;
  day.time_before_max = day.time_after_max = seconds(86'400);
  EXPECT_NE(judge(day, {INT64_MAX}).why.message().find("ahead of the clock"), std::string::npos);
  EXPECT_NE(judge(day, {INT64_MIN}).why.message().find("9223372036854775807 ms behind the clock"), std::string::npos) << judge(day, {INT64_MIN}).why.message();
  EXPECT_FALSE(judge(day, {-2}).why.ok()) << "a moment before 1970, and not the lack of one";
}

TEST(BatchRules, old_times_are_taken_unless_the_topic_says_otherwise) {
  cluster::TopicSettings day;
  day.time_before_max = seconds(86'400);
  EXPECT_TRUE(judge({}, {0}).why.ok());
  EXPECT_TRUE(judge(day, {kNow.ms - 24 * kHour}).why.ok());
  const TimeCheck old = judge(day, {kNow.ms, kNow.ms - 24 * kHour - 5});
  EXPECT_EQ(old.record, 1);
  EXPECT_NE(old.why.message().find("86400005 ms behind the clock of the broker"), std::string::npos) << old.why.message();
  EXPECT_NE(old.why.message().find("takes at most 86400000 (message.timestamp.before.max.ms)"), std::string::npos) << old.why.message();
}

TEST(BatchRules, a_record_without_a_time_and_times_that_the_broker_gives_are_not_judged) {
  cluster::TopicSettings strict;
  strict.time_before_max = strict.time_after_max = Nanos{};
  EXPECT_TRUE(judge(strict, {-1, -1}).why.ok());
  EXPECT_TRUE(judge(strict, {kNow.ms, -1, kNow.ms}).why.ok()) << "one of several";
  EXPECT_FALSE(judge(strict, {0}).why.ok());
  strict.append_time = true;
  EXPECT_TRUE(judge(strict, {0, kNow.ms + 1'000 * kHour}).why.ok());
}

TEST(BatchRules, a_batch_larger_than_its_topic_takes_is_refused_with_both_sizes) {
  cluster::TopicSettings settings;
  EXPECT_TRUE(check_batch_size(settings, "orders", 1u << 30).ok());
  settings.batch_bytes_max = 2'048;
  EXPECT_TRUE(check_batch_size(settings, "orders", 2'048).ok());
  const Status large = check_batch_size(settings, "orders", 2'049);
  EXPECT_EQ(large.reason(), "RECORD_TOO_LARGE");
  EXPECT_EQ(large.message(), "record batch of 2049 bytes, topic orders takes at most 2048 (max.message.bytes)");
}

}  // namespace
}  // namespace ion::pipeline
