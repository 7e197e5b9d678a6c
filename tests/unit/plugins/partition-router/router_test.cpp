#include "core/placement.h"
#include "core/read_replica.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace ion::partition_router {
namespace {

std::vector<ion_place_broker> brokers(int n, int racks) {
  static const char* const kRacks[] = {"a", "b", "c"};
  std::vector<ion_place_broker> list;
  for (int i = 0; i < n; ++i) list.push_back({static_cast<uint64_t>(i + 1), bytes_of(kRacks[i % racks]), 0});
  return list;
}

TEST(Placement, one_broker_gets_everything) {
  const auto one = brokers(1, 1);
  const auto rows = place({4, 1, one, 7});
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, std::vector<NodeId>(4, NodeId{1}));
}

TEST(Placement, replicas_of_a_partition_are_on_different_brokers_and_racks) {
  const auto six = brokers(6, 3);
  const auto rows = place({12, 3, six, 42});
  ASSERT_TRUE(rows);
  for (size_t p = 0; p < 12; ++p) {
    std::set<NodeId> nodes;
    std::set<uint64_t> racks;
    for (size_t i = 0; i < 3; ++i) nodes.insert((*rows)[p * 3 + i]), racks.insert(((*rows)[p * 3 + i].v - 1) % 3);
    EXPECT_EQ(nodes.size(), 3u);
    EXPECT_EQ(racks.size(), 3u);
  }
}

TEST(Placement, leaders_are_spread_evenly) {
  const auto three = brokers(3, 1);
  const auto rows = place({9, 1, three, 1});
  ASSERT_TRUE(rows);
  std::map<NodeId, int> leads;
  for (NodeId n : *rows) ++leads[n];
  for (const auto& [node, n] : leads) EXPECT_EQ(n, 3) << node.v;
}

TEST(Placement, the_same_question_has_the_same_answer_and_the_seed_moves_it) {
  const auto five = brokers(5, 2);
  EXPECT_EQ(*place({3, 2, five, 9}), *place({3, 2, five, 9}));
  std::set<std::vector<NodeId>> answers;
  for (uint64_t seed = 0; seed < 20; ++seed) answers.insert(*place({1, 1, five, seed}));
  EXPECT_GT(answers.size(), 1u);
}

TEST(Placement, too_few_brokers_are_refused_with_both_numbers) {
  const auto two = brokers(2, 1);
  const auto rows = place({1, 3, two, 0});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code(), ION_E_INVALID);
  EXPECT_NE(rows.error().message().find("3 replicas wanted, 2 brokers"), std::string::npos) << rows.error().message();
}

TEST(ReadReplica, prefers_the_readers_rack_and_falls_back_to_the_leader) {
  const uint64_t nodes[] = {1, 2, 3};
  const ion_bytes racks[] = {bytes_of("a"), bytes_of("b"), bytes_of("c")};
  ion_replica_req r{sizeof(ion_replica_req), 3, nodes, racks, bytes_of("c")};
  EXPECT_EQ(*read_replica(r), NodeId{3});
  r.client_rack = bytes_of("elsewhere");
  EXPECT_EQ(*read_replica(r), NodeId{1});
  r.nreplicas = 0;
  EXPECT_FALSE(read_replica(r));
}

}  // namespace
}  // namespace ion::partition_router
