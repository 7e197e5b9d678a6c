// Topics that keep the newest record of each key: whole brokers on virtual time.
#include "broker_fixture.h"

#include <algorithm>
#include <deque>
#include <map>

namespace ion::test {
namespace {

struct Compaction : testing::Test {
  void SetUp() override { ASSERT_TRUE(broker.start().ok()); }
  void TearDown() override { EXPECT_TRUE(broker.stop().ok()); }

  // "a=1 b=2 c=-": a value "-" is a tombstone.
  Status put(const std::string& records, batch::Identity who = {}) {
    batch::RecordWriter writer;
    std::deque<std::string> kept;
    for (size_t at = 0; at < records.size();) {
      const size_t end = std::min(records.find(' ', at), records.size()), is = records.find('=', at);
      const std::string& key = kept.emplace_back(records.substr(at, is - at));
      const std::string& value = kept.emplace_back(records.substr(is + 1, end - is - 1));
      batch::NewRecord r;
      r.key = span_of(key), r.time = time.clock().wall();
      if (value != "-") r.value = span_of(value);
      writer.append(r);
      at = end + 1;
    }
    return broker.produce_batch("t", writer.finish(who));
  }
  TestBroker::Config quick(TestBroker::Config more = {}) {
    more.insert({{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0.01"}, {"segment.ms", "1000"}});
    return more;
  }

  CopiesDirectory copies;
  VirtualTime time;
  TestBroker broker{time, copies.path() + "/1"};
};

TEST_F(Compaction, an_idle_topic_is_compacted_within_a_minute) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick()).ok());
  ASSERT_TRUE(put("a=1 b=2").ok());
  ASSERT_TRUE(put("a=3").ok());
  EXPECT_EQ(broker.consume("t"), "1,2,3");
  broker.pass(seconds(60));
  EXPECT_EQ(broker.consume("t"), "2,3");
  EXPECT_EQ(broker.describe("t").log_starts.at(0).v, 0);
  EXPECT_EQ(broker.describe("t").ends.at(0).v, 3);
}

TEST_F(Compaction, a_tombstone_deletes_its_key_and_goes_itself) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick({{"delete.retention.ms", "100000"}})).ok());
  ASSERT_TRUE(put("a=1 b=2").ok());
  ASSERT_TRUE(put("a=-").ok());
  broker.pass(seconds(60));
  EXPECT_EQ(broker.consume("t"), "2,");
  broker.pass(seconds(120));
  EXPECT_EQ(broker.consume("t"), "2");
  EXPECT_EQ(broker.describe("t").ends.at(0).v, 3);
}

TEST_F(Compaction, a_record_without_a_key_is_refused_before_it_is_stored) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick()).ok());
  const Status refused = broker.produce("t", {"x"});
  EXPECT_EQ(refused.code(), ION_E_INVALID);
  EXPECT_NE(refused.message().find("record 0 of 1"), std::string::npos) << refused.message();
  EXPECT_TRUE(put("=empty").ok()) << "an empty key is one";
  EXPECT_EQ(broker.describe("t").ends.at(0).v, 1);
}

TEST_F(Compaction, the_policy_is_altered_both_ways) {
  ASSERT_TRUE(broker.create_topic("t", 1, {{"segment.ms", "1000"}}).ok());
  ASSERT_TRUE(put("a=1").ok());
  ASSERT_TRUE(broker.produce("t", {"keyless"}).ok());
  ASSERT_TRUE(put("a=2").ok());
  broker.pass(seconds(60));
  EXPECT_EQ(broker.consume("t"), "1,keyless,2");
  ASSERT_TRUE(broker.alter_topic("t", {{"cleanup.policy", "compact"}}).ok());
  EXPECT_EQ(broker.produce("t", {"keyless"}).code(), ION_E_INVALID);
  broker.pass(seconds(60));
  EXPECT_EQ(broker.consume("t"), "2") << "a record without a key goes, as in Kafka";
  ASSERT_TRUE(broker.alter_topic("t", {{"cleanup.policy", "delete"}}).ok());
  ASSERT_TRUE(broker.produce("t", {"keyless"}).ok());
  ASSERT_TRUE(put("a=3").ok());
  broker.pass(seconds(60));
  EXPECT_EQ(broker.consume("t"), "2,keyless,3");
}

TEST_F(Compaction, compact_and_delete_together_also_delete_by_age) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick({{"cleanup.policy", "compact,delete"}, {"retention.ms", "200000"}})).ok());
  ASSERT_TRUE(put("a=1 b=2 a=3").ok());
  broker.pass(seconds(60));
  EXPECT_EQ(broker.consume("t"), "2,3");
  broker.pass(seconds(240));
  EXPECT_EQ(broker.consume("t"), "!OUT_OF_RANGE");
  EXPECT_EQ(broker.describe("t").log_starts.at(0).v, 3);
}

TEST_F(Compaction, compact_alone_deletes_nothing_by_age) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick({{"retention.ms", "100000"}})).ok());
  ASSERT_TRUE(put("a=1").ok());
  broker.pass(seconds(300));
  EXPECT_EQ(broker.consume("t"), "1");
}

TEST_F(Compaction, a_time_is_found_behind_what_was_compacted_away) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick()).ok());
  const int64_t t0 = time.clock().wall().ms;
  ASSERT_TRUE(put("a=1", {{77}, {0}, 0}).ok());
  broker.pass(seconds(2));
  ASSERT_TRUE(put("b=1").ok());
  broker.pass(seconds(2));
  ASSERT_TRUE(put("a=2").ok());
  const int64_t t2 = time.clock().wall().ms;
  broker.pass(seconds(60));
  ASSERT_EQ(broker.consume("t"), "1,2");
  EXPECT_EQ(broker.offset_at("t", t0), "1/" + std::to_string(t0 + 2'000));
  EXPECT_EQ(broker.offset_at("t", t2), "2/" + std::to_string(t2));
  EXPECT_EQ(broker.offset_at("t", t2 + 1), "3/-1");
}

TEST_F(Compaction, what_is_compacted_stays_so_over_a_kill_and_repeats_are_known) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick()).ok());
  ASSERT_TRUE(put("a=1", {{77}, {0}, 0}).ok());
  ASSERT_TRUE(put("a=2", {{77}, {0}, 1}).ok());
  ASSERT_TRUE(put("a=3 b=3").ok());
  broker.pass(seconds(60));
  ASSERT_EQ(broker.consume("t"), "3,3");
  broker.kill();
  ASSERT_TRUE(broker.start().ok());
  EXPECT_EQ(broker.consume("t"), "3,3");
  for (const int32_t sequence : {0, 1}) {
    ASSERT_TRUE(put("a=" + std::to_string(sequence + 1), {{77}, {0}, sequence}).ok());
    EXPECT_TRUE(broker.was_duplicate) << sequence;
  }
  ASSERT_TRUE(put("c=1", {{77}, {0}, 2}).ok());
  EXPECT_FALSE(broker.was_duplicate);
  EXPECT_EQ(broker.consume("t"), "3,3,1");
}


TEST_F(Compaction, a_log_that_goes_on_being_written_is_compacted_again_and_again) {
  ASSERT_TRUE(broker.create_topic("t", 1, quick()).ok());
  std::map<std::string, std::string> newest;
  SeededRandom random(5);
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(random.below(20)), value = std::to_string(i);
    ASSERT_TRUE(put(key + "=" + value, {{9}, {0}, i}).ok());
    newest[key] = value;
    broker.pass(milliseconds(static_cast<int64_t>(random.below(2'000))));
    if (i % 50 == 49) {
      broker.kill();
      ASSERT_TRUE(broker.start().ok());
    }
  }
  broker.pass(seconds(60));
  std::vector<std::string> expected;
  for (const auto& [key, value] : newest) expected.push_back(value);
  std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); });
  std::string all;
  for (const std::string& value : expected) all += (all.empty() ? "" : ",") + value;
  EXPECT_EQ(broker.consume("t"), all);
}

}  // namespace
}  // namespace ion::test
