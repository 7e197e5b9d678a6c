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
  const auto s = read_settings({{"cleanup.policy", "compact"}}, {});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code(), ION_E_UNSUPPORTED);
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
