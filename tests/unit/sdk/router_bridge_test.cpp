#include <gtest/gtest.h>
#include <ion/bridge/router_bridge.h>

#include <stdexcept>

namespace ion {
namespace {

struct Plugin final : Router {
  Status refusal;
  bool throwing = false;
  uint32_t chosen = 3;
  std::string seen;

  Router& router() { return *this; }
  void maybe_throw() const {
    if (throwing) throw std::runtime_error("the router threw");
  }
  Result<PartitionId> partition(std::string_view topic, std::span<const uint8_t> key, uint32_t partitions) override {
    maybe_throw();
    if (!refusal.ok()) return refusal;
    seen = std::string(topic) + ' ' + std::string(text_of(key)) + ' ' + std::to_string(partitions);
    return PartitionId{static_cast<int32_t>(chosen)};
  }
  Result<std::vector<NodeId>> place(const PlaceRequest& r) override {
    maybe_throw();
    if (!refusal.ok()) return refusal;
    std::vector<NodeId> rows;
    for (uint32_t i = 0; i < r.partitions * r.replication; ++i) rows.push_back({r.brokers[(i + r.seed) % r.brokers.size()].node});
    return rows;
  }
  Result<NodeId> replica(const ion_replica_req& r) override {
    maybe_throw();
    if (!refusal.ok()) return refusal;
    for (uint32_t i = 0; i < r.nreplicas; ++i)
      if (text_of(r.racks[i]) == text_of(r.client_rack)) return NodeId{r.replicas[i]};
    return NodeId{r.replicas[0]};
  }
};
struct ThereAndBack {
  Plugin plugin;
  ion_router table = export_router<Plugin>;
  ImportedRouter router{ion_ref{&table, &plugin}};
};
const ion_place_broker kBrokers[] = {{11, bytes_of("a"), 0}, {12, bytes_of("b"), 0}, {13, bytes_of("c"), 0}};
const uint64_t kReplicas[] = {11, 12};
const ion_bytes kRacks[] = {bytes_of("a"), bytes_of("b")};
const ion_replica_req kNear{sizeof(ion_replica_req), 2, kReplicas, kRacks, bytes_of("b")};

TEST(RouterBridge, answers_cross) {
  ThereAndBack there;
  EXPECT_EQ(there.router.partition("orders", span_of(std::string_view("key")), 8)->v, 3);
  EXPECT_EQ(there.plugin.seen, "orders key 8");
  const auto rows = there.router.place({2, 2, kBrokers, 1});
  ASSERT_TRUE(rows.has_value());
  EXPECT_EQ(*rows, (std::vector<NodeId>{{12}, {13}, {11}, {12}}));
  EXPECT_EQ(there.router.replica(kNear)->v, 12u);
}

TEST(RouterBridge, refusals_cross) {
  ThereAndBack there;
  there.plugin.refusal = Status(ION_E_INVALID, "too few brokers");
  EXPECT_EQ(there.router.partition("t", {}, 8).error().code(), ION_E_INVALID);
  EXPECT_EQ(there.router.place({2, 2, kBrokers, 1}).error().message(), "ion.router/1 place answered INVALID");
  EXPECT_EQ(there.router.replica(kNear).error().code(), ION_E_INVALID);
}

TEST(RouterBridge, exceptions_do_not_cross) {
  ThereAndBack there;
  there.plugin.throwing = true;
  EXPECT_EQ(there.router.partition("t", {}, 8).error().code(), ION_E_EXCEPTION);
  EXPECT_EQ(there.router.place({2, 2, kBrokers, 1}).error().code(), ION_E_EXCEPTION);
  EXPECT_EQ(there.router.replica(kNear).error().code(), ION_E_EXCEPTION);
}

TEST(RouterBridge, a_partition_that_does_not_exist_is_not_believed) {
  ThereAndBack there;
  there.plugin.chosen = 8;
  EXPECT_EQ(there.router.partition("t", {}, 8).error().message(), "ion.router/1 chose partition 8 of 8");
}

TEST(RouterBridge, a_placement_has_bounds_and_its_module_is_kept) {
  ThereAndBack there;
  EXPECT_EQ(there.router.place({0, 3, kBrokers, 1}).error().code(), ION_E_INVALID);
  EXPECT_EQ(there.router.place({UINT32_MAX, UINT32_MAX, kBrokers, 1}).error().code(), ION_E_INVALID);
  const ion_place_req raw{sizeof(ion_place_req), 2, 2, 3, kBrokers, 0};
  uint64_t nodes[3] = {};
  EXPECT_EQ(there.table.place(&there.plugin, &raw, nodes, 3), ION_E_INVALID);
  EXPECT_EQ(nodes[0], 0u);
}

TEST(RouterBridge, a_shorter_table_answers_unsupported_and_names_the_member) {
  ThereAndBack there;
  there.table.size = offsetof(ion_router, partition);
  EXPECT_EQ(there.router.partition("t", {}, 8).error().message(), "ion.router/1 has no member partition here");
  EXPECT_EQ(there.router.place({2, 2, kBrokers, 1}).error().message(), "ion.router/1 has no member place here");
  EXPECT_EQ(there.router.replica(kNear).error().message(), "ion.router/1 has no member replica here");
}

}  // namespace
}  // namespace ion
