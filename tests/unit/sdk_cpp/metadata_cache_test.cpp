#include "core/metadata_cache.h"

#include <gtest/gtest.h>

namespace ion::client {
namespace {

ClusterMetadata::Topic topic(std::string name, std::vector<uint64_t> leaders) {
  ClusterMetadata::Topic t;
  t.name = std::move(name);
  for (size_t i = leaders.size(); i-- > 0;) t.partitions.push_back({{static_cast<int32_t>(i)}, {leaders[i]}, {}});
  return t;
}

TEST(MetadataCache, asks_the_same_broker_until_it_fails_and_then_the_next) {
  MetadataCache cache({"a:1", "b:1", "c:1"});
  EXPECT_EQ(cache.address(), "a:1");
  EXPECT_EQ(cache.address(), "a:1");
  EXPECT_TRUE(cache.failed("a:1"));
  EXPECT_EQ(cache.address(), "b:1");
  EXPECT_TRUE(cache.failed("b:1"));
  EXPECT_FALSE(cache.failed("c:1")) << "all failed in a row";
  EXPECT_EQ(cache.address(), "a:1") << "and yet there is always one to ask";
}

TEST(MetadataCache, two_calls_that_fail_at_the_same_broker_move_on_once) {
  MetadataCache cache({"a:1", "b:1", "c:1"});
  EXPECT_TRUE(cache.failed("a:1"));
  EXPECT_TRUE(cache.failed("a:1"));
  EXPECT_EQ(cache.address(), "b:1");
}

TEST(MetadataCache, learns_brokers_and_never_forgets_the_given_ones) {
  MetadataCache cache({"a:1"});
  cache.update({"cluster", {{{1}, "a:1"}, {{2}, "b:1"}}, {}}, "a:1");
  EXPECT_TRUE(cache.failed("a:1"));
  EXPECT_EQ(cache.address(), "b:1");
  cache.update({"cluster", {{{3}, "c:1"}, {{4}, "d:1"}}, {}}, "b:1");
  EXPECT_EQ(cache.address(), "a:1");
}

TEST(MetadataCache, answers_leaders_in_the_order_of_partitions) {
  MetadataCache cache({"a:1"});
  cache.update({"cluster", {{{1}, "a:1"}, {{2}, "b:1"}}, {topic("t", {2, 1, 9})}}, "a:1");
  const auto leaders = cache.leaders("t");
  ASSERT_TRUE(leaders) << leaders.error().text();
  ASSERT_EQ(leaders->size(), 3u);
  EXPECT_EQ((*leaders)[0].address, "b:1");
  EXPECT_EQ((*leaders)[1].address, "a:1");
  EXPECT_EQ((*leaders)[2].address, "") << "node 9 is unknown";
}

TEST(MetadataCache, says_what_is_wrong_with_a_topic) {
  MetadataCache cache({"a:1"});
  EXPECT_EQ(cache.leaders("t").error().reason(), "TOPIC_NOT_FOUND");
  ClusterMetadata::Topic gone = topic("t", {});
  gone.error = Status(ION_E_FORBIDDEN, "no");
  cache.update({"cluster", {}, {gone}}, "a:1");
  EXPECT_EQ(cache.leaders("t").error().code(), ION_E_FORBIDDEN);
  ClusterMetadata::Topic holes = topic("t", {1, 1});
  holes.partitions.pop_back();
  cache.update({"cluster", {}, {holes}}, "a:1");
  EXPECT_EQ(cache.leaders("t").error().code(), ION_E_INTERNAL);
}

TEST(MetadataCache, the_batches_of_a_topic_are_bounded_by_the_broker_and_by_the_topic) {
  MetadataCache cache({"a:1"});
  ClusterMetadata answer{"cluster", {}, {topic("small", {1}), topic("large", {1}), topic("plain", {1})}};
  answer.limits = {100, 1'000, 50'000'000};
  answer.topics[0].batch_bytes_max = 300;
  answer.topics[1].batch_bytes_max = 9'000;
  cache.update(answer, "a:1");
  EXPECT_EQ(cache.limits("small").batch(), 300u);
  EXPECT_EQ(cache.limits("large").batch(), 1'000u);
  EXPECT_EQ(cache.limits("plain").batch(), 1'000u);
  EXPECT_EQ(cache.limits("unknown").batch(), 1'000u);
}

TEST(ReachableAddress, takes_a_lone_broker_as_it_was_found) {
  EXPECT_EQ(reachable_address("10.0.0.5:9640", "forwarded:12000", 1), "forwarded:12000");
  EXPECT_EQ(reachable_address("broker-b:9640", "broker-a:9640", 2), "broker-b:9640");
}

TEST(ReachableAddress, replaces_a_wildcard_by_who_answered) {
  EXPECT_EQ(reachable_address("0.0.0.0:9641", "broker-a:9640", 3), "broker-a:9641");
  EXPECT_EQ(reachable_address("[::]:9641", "broker-a:9640", 3), "broker-a:9641");
  EXPECT_EQ(reachable_address("", "broker-a:9640", 3), "broker-a:9640");
}

}  // namespace
}  // namespace ion::client
