// Order and window of a produce stream.
#include "core/ack_lanes.h"

#include "core/request_limits.h"

#include <ionstream/v1/produce.pb.h>

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace ion::transport_grpc {
namespace {

Ack ack_of(uint64_t correlation, int32_t partition) {
  Ack ack;
  ack.correlation = correlation, ack.partition = partition;
  return ack;
}

std::vector<uint64_t> taken(AckLanes& lanes, size_t most = 1000) {
  std::string bytes;
  (void)lanes.take(bytes, most);
  ionstream::v1::ProduceResponse response;
  EXPECT_TRUE(response.ParseFromString(bytes));
  std::vector<uint64_t> correlations;
  for (const auto& ack : response.acks()) correlations.push_back(ack.correlation());
  return correlations;
}

using Order = std::vector<uint64_t>;

TEST(AckLanes, acks_of_one_partition_leave_in_the_order_of_their_batches) {
  AckLanes lanes({100, 1000});
  const auto first = lanes.enter("t", 0, 1), second = lanes.enter("t", 0, 1), third = lanes.enter("t", 0, 1);
  lanes.settle(third.ticket, ack_of(3, 0));
  lanes.settle(second.ticket, ack_of(2, 0));
  EXPECT_FALSE(lanes.has_acks());
  lanes.settle(first.ticket, ack_of(1, 0));
  EXPECT_EQ(taken(lanes), (Order{1, 2, 3}));
  EXPECT_TRUE(lanes.empty());
}

TEST(AckLanes, a_slow_partition_does_not_hold_back_another) {
  AckLanes lanes({100, 1000});
  (void)lanes.enter("t", 0, 1);
  const auto other = lanes.enter("t", 1, 1), topic = lanes.enter("u", 0, 1);
  lanes.settle(other.ticket, ack_of(2, 1));
  lanes.settle(topic.ticket, ack_of(3, 0));
  EXPECT_EQ(taken(lanes), (Order{2, 3}));
  EXPECT_FALSE(lanes.empty());
}

TEST(AckLanes, the_window_closes_by_batches_and_opens_when_acks_have_left) {
  AckLanes lanes({2, 1000});
  const auto first = lanes.enter("t", 0, 1);
  EXPECT_TRUE(lanes.open());
  (void)lanes.enter("t", 0, 1);
  EXPECT_FALSE(lanes.open());
  lanes.settle(first.ticket, ack_of(1, 0));
  EXPECT_FALSE(lanes.open()) << "an ack that waits for the write slot still counts";
  EXPECT_EQ(taken(lanes), (Order{1}));
  EXPECT_TRUE(lanes.open());
}

TEST(AckLanes, the_window_closes_by_bytes_and_lets_one_large_batch_pass_alone) {
  AckLanes lanes({100, 10});
  EXPECT_TRUE(lanes.open());
  const auto large = lanes.enter("t", 0, 1'000'000);
  EXPECT_FALSE(lanes.open());
  EXPECT_EQ(lanes.held_bytes(), 1'000'000u);
  lanes.settle(large.ticket, ack_of(1, 0));
  EXPECT_EQ(lanes.held_bytes(), 0u);
  EXPECT_TRUE(lanes.open()) << "an ack that nobody reads holds no payload";
  EXPECT_EQ(taken(lanes), (Order{1}));
  EXPECT_TRUE(lanes.open());
}

TEST(AckLanes, gives_no_more_acks_than_asked) {
  AckLanes lanes({100, 1000});
  for (uint64_t i = 1; i <= 5; ++i) lanes.settle(lanes.enter("t", 0, 1).ticket, ack_of(i, 0));
  EXPECT_EQ(taken(lanes, 2), (Order{1, 2}));
  EXPECT_EQ(taken(lanes, 2), (Order{3, 4}));
  EXPECT_EQ(taken(lanes, 2), (Order{5}));
}

TEST(AckLanes, the_topic_of_a_ticket_stays_while_thousands_of_others_come_and_go) {
  AckLanes lanes({100'000, 1'000'000});
  const auto kept = lanes.enter("the one that waits", 0, 1);
  for (int i = 0; i < 5000; ++i) {
    lanes.settle(lanes.enter("topic " + std::to_string(i), i, 1).ticket, ack_of(1, 0));
    (void)taken(lanes);
  }
  EXPECT_EQ(*kept.topic, "the one that waits");
  lanes.settle(kept.ticket, ack_of(7, 0));
  EXPECT_EQ(taken(lanes), (Order{7}));
}

TEST(AckLanes, whatever_the_order_of_answers_each_partition_keeps_its_own) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    AckLanes lanes({10'000, 10'000});
    std::vector<std::pair<AckLanes::Ticket, Ack>> flying;
    std::vector<std::vector<uint64_t>> sent(4), seen(4);
    std::string bytes;
    for (uint64_t i = 1; i <= 300; ++i) {
      const auto partition = static_cast<int32_t>(random() % 4);
      flying.emplace_back(lanes.enter("t", partition, 1).ticket, ack_of(i, partition));
      sent[static_cast<size_t>(partition)].push_back(i);
      while (!flying.empty() && random() % 3 != 0) {
        const size_t pick = random() % flying.size();
        lanes.settle(flying[pick].first, flying[pick].second);
        flying.erase(flying.begin() + static_cast<long>(pick));
      }
      (void)lanes.take(bytes, random() % 4);
    }
    for (auto& [ticket, ack] : flying) lanes.settle(ticket, ack);
    (void)lanes.take(bytes, 1000);
    ionstream::v1::ProduceResponse response;
    ASSERT_TRUE(response.ParseFromString(bytes));
    for (const auto& ack : response.acks()) seen[static_cast<size_t>(ack.partition())].push_back(ack.correlation());
    EXPECT_EQ(seen, sent);
    EXPECT_TRUE(lanes.empty());
  }
}

}  // namespace
}  // namespace ion::transport_grpc
