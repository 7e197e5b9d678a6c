#include "cluster/core/topic_rules.h"

#include <gtest/gtest.h>

namespace ion::cluster {
namespace {

TEST(TopicRules, names_of_files_and_of_the_broker_are_refused) {
  for (const char* good : {"orders", "a", "A.b_c-9", "x.dl"}) EXPECT_TRUE(check_topic_name(good).ok()) << good;
  for (const char* bad : {"", ".", "..", "a/b", "a b", "\xc3\xa4", "__ion_groups", "orders.billing.dlq"}) {
    const Status s = check_topic_name(bad);
    EXPECT_EQ(s.code(), ION_E_INVALID) << bad;
    EXPECT_EQ(s.reason(), "INVALID_TOPIC") << bad;
  }
  EXPECT_TRUE(check_topic_name(std::string(249, 'a')).ok());
  EXPECT_FALSE(check_topic_name(std::string(250, 'a')).ok());
}

TEST(TopicRules, settings_are_read_over_the_defaults) {
  TopicSettings defaults;
  defaults.segment_bytes = 123'456;
  const auto s = read_settings({{"durability", "os"}}, defaults);
  ASSERT_TRUE(s);
  EXPECT_FALSE(s->fsync);
  EXPECT_EQ(s->segment_bytes, 123'456u);
  EXPECT_EQ(read_settings({{"segment.bytes", "1MiB"}}, {})->segment_bytes, 1u << 20);
  EXPECT_EQ(read_settings({{"segment.bytes", "100000"}}, {})->segment_bytes, 100'000u);
  EXPECT_EQ(read_settings({{"segment.bytes", "1.5MiB"}}, {})->segment_bytes, 3u << 19) << "the spellings of the configuration";
  EXPECT_EQ(read_settings({{"segment.bytes", "100 kB"}}, {})->segment_bytes, 100'000u);
}

TEST(TopicRules, an_unknown_setting_is_an_error_with_a_suggestion) {
  const auto s = read_settings({{"segment.byte", "1MiB"}}, {});
  ASSERT_FALSE(s);
  EXPECT_NE(s.error().message().find("did you mean 'segment.bytes'"), std::string::npos) << s.error().message();
}

TEST(TopicRules, what_is_not_obeyed_yet_is_refused_and_not_ignored) {
  const auto s = read_settings({{"compression.type", "zstd"}}, {});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code(), ION_E_UNSUPPORTED);
}

TEST(TopicRules, a_cleanup_policy_is_delete_compact_or_both_in_either_order) {
  const auto policy = [](const std::string& value) {
    const auto s = read_settings({{"cleanup.policy", value}}, {});
    return s ? show_settings(*s).at("cleanup.policy") : "!" + s.error().message();
  };
  EXPECT_EQ(show_settings({}).at("cleanup.policy"), "delete");
  EXPECT_EQ(policy("delete"), "delete");
  EXPECT_EQ(policy("compact"), "compact");
  EXPECT_EQ(policy("compact,delete"), "compact,delete");
  EXPECT_EQ(policy("delete, compact"), "compact,delete");
  for (const char* bad : {"", ",", "compact,", "compact,compact", "archive", "compact delete", "Compact", "delete,compact,delete"})
    EXPECT_EQ(policy(bad), "!topic setting cleanup.policy: want delete, compact, or both with a comma, have '" + std::string(bad) + "'");
}

TEST(TopicRules, settings_of_compaction_are_read_and_shown) {
  const auto s = read_settings({{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0.01"}, {"min.compaction.lag.ms", "0"}, {"max.compaction.lag.ms", "1h"},
                                {"delete.retention.ms", "0"}}, {});
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_TRUE(s->compacts && !s->deletes);
  EXPECT_EQ(s->dirty_ppm, 10'000u);
  EXPECT_EQ(s->compaction_lag_max, seconds(3600));
  const auto shown = show_settings(*s);
  EXPECT_EQ(shown.at("min.cleanable.dirty.ratio"), "0.01");
  EXPECT_EQ(shown.at("max.compaction.lag.ms"), "3600000");
  EXPECT_EQ(shown.at("delete.retention.ms"), "0");
  const auto defaults = show_settings({});
  EXPECT_EQ(defaults.at("min.cleanable.dirty.ratio"), "0.5");
  EXPECT_EQ(defaults.at("max.compaction.lag.ms"), "-1");
  EXPECT_EQ(defaults.at("delete.retention.ms"), "86400000");
}

TEST(TopicRules, a_part_of_one_is_read_without_rounding_up) {
  const auto ppm = [](const std::string& value) {
    const auto s = read_settings({{"min.cleanable.dirty.ratio", value}}, {});
    return s ? static_cast<int64_t>(s->dirty_ppm) : -1;
  };
  EXPECT_EQ(ppm("0"), 0);
  EXPECT_EQ(ppm("1"), 1'000'000);
  EXPECT_EQ(ppm("1.0"), 1'000'000);
  EXPECT_EQ(ppm(".5"), 500'000);
  EXPECT_EQ(ppm("0.1234567"), 123'456);
  for (const char* bad : {"", ".", "1.1", "2", "10", "-0.5", "0,5", "50%", "0.5.", "1e-3"}) EXPECT_EQ(ppm(bad), -1) << bad;
}

TEST(TopicRules, the_greatest_compaction_lag_is_not_below_the_least) {
  const auto s = read_settings({{"min.compaction.lag.ms", "10"}, {"max.compaction.lag.ms", "5"}}, {});
  ASSERT_FALSE(s);
  EXPECT_NE(s.error().message().find("min.compaction.lag.ms, which is 10, have 5"), std::string::npos) << s.error().message();
}

TEST(TopicRules, times_and_sizes_of_batches_are_read_and_shown_as_kafka_names_them) {
  const auto plain = show_settings({});
  EXPECT_EQ(plain.at("message.timestamp.type"), "CreateTime");
  EXPECT_EQ(plain.at("message.timestamp.before.max.ms"), "-1");
  EXPECT_EQ(plain.at("message.timestamp.after.max.ms"), "-1");
  EXPECT_EQ(plain.at("min.insync.replicas"), "1");
  const auto s = read_settings({{"message.timestamp.type", "LogAppendTime"}, {"message.timestamp.before.max.ms", "7d"}, {"message.timestamp.after.max.ms", "0"},
                                {"max.message.bytes", "1MiB"}, {"min.insync.replicas", "1"}}, {});
  ASSERT_TRUE(s);
  EXPECT_TRUE(s->append_time);
  EXPECT_EQ(s->time_before_max, seconds(7 * 86'400));
  EXPECT_EQ(s->time_after_max, Nanos{}) << "nothing ahead is a bound and not the lack of one";
  EXPECT_EQ(s->batch_bytes_max, 1u << 20);
  EXPECT_EQ(show_settings(*s).at("message.timestamp.after.max.ms"), "0");
  for (const char* none : {"-1", "9223372036854775807"}) EXPECT_FALSE(read_settings({{"message.timestamp.after.max.ms", none}}, {})->time_after_max) << none;
  for (const auto& [key, value] : std::map<std::string, std::string>{
           {"message.timestamp.type", "logappendtime"}, {"message.timestamp.after.max.ms", "-2"}, {"max.message.bytes", "12"}, {"min.insync.replicas", "2"}}) {
    const auto bad = read_settings({{key, value}}, {});
    ASSERT_FALSE(bad) << key;
    EXPECT_NE(bad.error().message().find("want"), std::string::npos) << bad.error().message();
  }
}

TEST(TopicRules, bad_values_say_what_was_wanted) {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"durability", "maybe"}, {"segment.bytes", "12 apples"}}) {
    const auto s = read_settings({{key, value}}, {});
    ASSERT_FALSE(s) << key;
    EXPECT_NE(s.error().message().find("want"), std::string::npos) << s.error().message();
  }
  EXPECT_FALSE(read_settings({{"segment.bytes", "1"}}, {}));
  EXPECT_FALSE(read_settings({{"segment.bytes", "99999999999999999999"}}, {}));
}

}  // namespace
}  // namespace ion::cluster
