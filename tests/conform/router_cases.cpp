// What ion.router/1 asks of a plugin: inside of bounds, the same answer to the same question, and refusals in the right words.
#include "conform/plugin_instance.h"

#include <ion/abi/contract/router.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace ion::conform {
namespace {

class Router : public ::testing::Test {
 protected:
  void SetUp() override {
    instance_.begin();
    const ion_ref ref = instance_.contract(ION_ROUTER_ID);
    table_ = static_cast<const ion_router*>(ref.table), self_ = ref.self;
  }
  void TearDown() override { instance_.end(); }

  static std::vector<std::string> keys() {
    std::vector<std::string> all{"", "a", std::string(1, '\0'), "\xff\xff", std::string(100'000, 'k')};
    for (int i = 0; i < 300; ++i) all.push_back("key-" + std::to_string(i));
    return all;
  }
  uint32_t partition(const std::string& key, uint32_t partitions) { return partition(*table_, self_, key, partitions); }
  static uint32_t partition(const ion_router& table, void* self, const std::string& key, uint32_t partitions) {
    uint32_t chosen = UINT32_MAX;
    EXPECT_EQ(table.partition(self, bytes_of(std::string_view("topic")), bytes_of(std::string_view(key)), partitions, &chosen), ION_OK);
    return chosen;
  }
  static std::vector<ion_place_broker> brokers(size_t n) {
    static constexpr std::array<std::string_view, 3> kRacks{"a", "b", "c"};
    std::vector<ion_place_broker> all;
    for (size_t i = 0; i < n; ++i) all.push_back({100 + i * 7, bytes_of(kRacks[i % 3]), i});
    return all;
  }
  // The rows; empty when it was refused, with `code` saying how. What is written beyond `cap` is a failure.
  std::vector<uint64_t> place(const std::vector<ion_place_broker>& from, uint32_t partitions, uint32_t replication, uint32_t cap, ion_status* code = nullptr) {
    constexpr uint64_t kUntouched = 0xdeadbeefdeadbeefULL;
    std::vector<uint64_t> nodes(size_t{partitions} * replication + 16, kUntouched);
    const ion_place_req request{sizeof(ion_place_req), partitions, replication, static_cast<uint32_t>(from.size()), from.data(), 42};
    const ion_status done = table_->place(self_, &request, nodes.data(), cap);
    for (size_t i = cap; i < nodes.size(); ++i) EXPECT_EQ(nodes[i], kUntouched) << "written beyond the " << cap << " places that there are";
    if (code != nullptr) *code = done;
    else EXPECT_EQ(done, ION_OK);
    nodes.resize(done == ION_OK ? size_t{partitions} * replication : 0);
    return nodes;
  }

  test::VirtualMachine machine_;
  Ground ground_{machine_};
  Instance instance_{ground_};
  const ion_router* table_ = nullptr;
  void* self_ = nullptr;
};

TEST_F(Router, a_key_leads_to_a_partition_that_there_is) {
  for (const uint32_t partitions : {1u, 2u, 7u, 1000u, 65'536u})
    for (const std::string& key : keys()) ASSERT_LT(partition(key, partitions), partitions) << "of a key of " << key.size() << " bytes";
}

TEST_F(Router, a_key_leads_to_the_same_partition_each_time_and_in_each_process) {
  test::VirtualMachine machine;
  Ground ground(machine);
  Instance other(ground);
  other.begin();
  const ion_ref ref = other.contract(ION_ROUTER_ID);
  for (const std::string& key : keys()) {
    const uint32_t first = partition(key, 97);
    ASSERT_EQ(partition(key, 97), first) << "asked again";
    ASSERT_EQ(partition(*static_cast<const ion_router*>(ref.table), ref.self, key, 97), first) << "asked in another instance";
  }
  other.end();
}

TEST_F(Router, keys_are_spread_over_the_partitions) {
  std::set<uint32_t> used;
  for (const std::string& key : keys()) used.insert(partition(key, 8));
  EXPECT_GT(used.size(), 4u) << "partitions of 8 that 305 keys use";
}

TEST_F(Router, a_topic_without_partitions_is_invalid) {
  uint32_t chosen = 0;
  EXPECT_EQ(table_->partition(self_, bytes_of(std::string_view("t")), bytes_of(std::string_view("k")), 0, &chosen), ION_E_INVALID);
}

TEST_F(Router, replicas_of_a_partition_are_different_brokers_that_there_are) {
  const auto from = brokers(5);
  const std::vector<uint64_t> nodes = place(from, 20, 3, 60);
  for (size_t row = 0; row + 3 <= nodes.size(); row += 3) {
    EXPECT_EQ(std::set<uint64_t>(nodes.begin() + static_cast<std::ptrdiff_t>(row), nodes.begin() + static_cast<std::ptrdiff_t>(row) + 3).size(), 3u)
        << "different brokers of partition " << row / 3;
    for (size_t i = row; i < row + 3; ++i)
      EXPECT_TRUE(std::any_of(from.begin(), from.end(), [&](const ion_place_broker& b) { return b.node == nodes[i]; })) << "broker " << nodes[i];
  }
}

TEST_F(Router, a_placement_is_the_same_for_the_same_question) { EXPECT_EQ(place(brokers(4), 9, 2, 18), place(brokers(4), 9, 2, 18)); }

TEST_F(Router, too_few_brokers_and_too_little_room_are_invalid) {
  ion_status code = ION_OK;
  (void)place(brokers(2), 4, 3, 12, &code);
  EXPECT_EQ(code, ION_E_INVALID) << "3 replicas on 2 brokers";
  (void)place({}, 4, 1, 4, &code);
  EXPECT_EQ(code, ION_E_INVALID) << "no brokers";
  (void)place(brokers(3), 4, 2, 7, &code);
  EXPECT_EQ(code, ION_E_INVALID) << "room for 7 of 8";
}

TEST_F(Router, a_reader_is_sent_to_one_of_the_replicas) {
  const std::vector<uint64_t> replicas{11, 22, 33};
  const std::vector<ion_bytes> racks{bytes_of(std::string_view("a")), bytes_of(std::string_view("b")), ion_bytes{nullptr, 0}};
  for (const std::string_view rack : {"", "a", "b", "elsewhere"})
    for (uint32_t n = 1; n <= 3; ++n) {
      const ion_replica_req request{sizeof(ion_replica_req), n, replicas.data(), racks.data(), bytes_of(rack)};
      uint64_t node = 0;
      ASSERT_EQ(table_->replica(self_, &request, &node), ION_OK) << rack;
      EXPECT_NE(std::find(replicas.begin(), replicas.begin() + n, node), replicas.begin() + n) << "node " << node;
    }
}

TEST_F(Router, without_a_replica_nothing_is_chosen) {
  const ion_replica_req request{sizeof(ion_replica_req), 0, nullptr, nullptr, {nullptr, 0}};
  uint64_t node = 0;
  EXPECT_LT(table_->replica(self_, &request, &node), 0);
}

}  // namespace
}  // namespace ion::conform
