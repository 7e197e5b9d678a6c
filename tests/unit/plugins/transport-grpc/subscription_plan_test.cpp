// Fairness, credit and bounds of a subscription.
#include "core/subscription_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace ion::transport_grpc {
namespace {

using Kind = SubscriptionPlan::Kind;

SubscriptionPlan plan_of(int parts, uint64_t credit, SubscriptionPlan::Limits limits = {100, 250, 10'000}) {
  std::vector<SubscriptionPlan::Part> list;
  for (int i = 0; i < parts; ++i) list.push_back({"t", i, 0});
  return {std::move(list), credit, limits};
}

TEST(SubscriptionPlan, every_part_is_fetched_once_and_then_nobody_waits) {
  auto plan = plan_of(3, 1000);
  std::vector<size_t> asked;
  while (const auto next = plan.next_fetch()) asked.push_back(next->part);
  EXPECT_EQ(asked, (std::vector<size_t>{0, 1, 2}));
}

TEST(SubscriptionPlan, parts_take_turns) {
  auto plan = plan_of(3, 10'000);
  std::vector<size_t> served;
  for (int i = 0; i < 9; ++i) {
    const auto next = plan.next_fetch();
    ASSERT_TRUE(next);
    plan.fetched(next->part, 10 * (i + 1), 50, 50);
    plan.sent(50);
    served.push_back(next->part);
  }
  EXPECT_EQ(served, (std::vector<size_t>{0, 1, 2, 0, 1, 2, 0, 1, 2}));
}

TEST(SubscriptionPlan, a_part_goes_on_where_it_was_read_to) {
  auto plan = plan_of(1, 1000);
  ASSERT_TRUE(plan.next_fetch());
  plan.fetched(0, 17, 10, 10);
  EXPECT_EQ(plan.part(0).offset, 17);
}

TEST(SubscriptionPlan, nothing_is_fetched_without_credit_and_a_grant_sets_it_going_again) {
  auto plan = plan_of(1, 100);
  ASSERT_TRUE(plan.next_fetch());
  plan.fetched(0, 1, 100, 100);
  plan.sent(100);
  EXPECT_FALSE(plan.next_fetch());
  EXPECT_EQ(plan.grant(60), 60u);
  const auto next = plan.next_fetch();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->bytes_max, 60u) << "a fetch asks for no more than the credit";
}

TEST(SubscriptionPlan, a_batch_above_the_credit_passes_and_the_debt_is_paid_first) {
  auto plan = plan_of(1, 10);
  ASSERT_TRUE(plan.next_fetch());
  plan.fetched(0, 1, 90, 90);
  plan.sent(90);
  EXPECT_EQ(plan.grant(80), 0u);
  EXPECT_FALSE(plan.next_fetch());
  EXPECT_EQ(plan.grant(1), 1u);
  EXPECT_TRUE(plan.next_fetch());
}

// Reads every part to its end, so that all are parked.
std::vector<size_t> park_all(SubscriptionPlan& plan) {
  std::vector<size_t> parked;
  while (const auto next = plan.next_fetch()) {
    if (next->kind == Kind::kPark) parked.push_back(next->part);
    else plan.waited(next->part);
  }
  return parked;
}

TEST(SubscriptionPlan, reads_at_once_bring_no_more_than_the_ready_bytes_and_one_frame) {
  auto plan = plan_of(50, 10'000);
  size_t reads = 0;
  while (plan.next_fetch()) ++reads;
  EXPECT_EQ(reads, 3u) << "of 100 bytes each; a fourth would come above 250";
  auto small = plan_of(50, 10'000, {1, 250, 10'000});
  reads = 0;
  while (small.next_fetch()) ++reads;
  EXPECT_EQ(reads, SubscriptionPlan::kReadsAtOnceMax) << "whole batches may be larger than what is asked for";
}

TEST(SubscriptionPlan, a_part_at_its_end_is_parked_and_read_again_when_records_came) {
  auto plan = plan_of(1, 1000);
  EXPECT_EQ(plan.next_fetch()->kind, Kind::kRead);
  plan.waited(0);
  EXPECT_EQ(plan.next_fetch()->kind, Kind::kPark);
  plan.waited(0);
  EXPECT_EQ(plan.next_fetch()->kind, Kind::kPark);
  plan.fetched(0, 1, 10, 10);
  EXPECT_EQ(plan.next_fetch()->kind, Kind::kRead);
}

TEST(SubscriptionPlan, a_stopped_reader_holds_the_ready_bytes_and_one_frame_more_at_most) {
  auto plan = plan_of(50, 10'000);
  const std::vector<size_t> parked = park_all(plan);
  ASSERT_EQ(parked.size(), 50u);
  size_t kept = 0;
  for (const size_t part : parked) {  // all wake up, nothing is written
    if (plan.has_space()) plan.fetched(part, 1, 100, 100), ++kept;
    else plan.dropped(part);
  }
  EXPECT_EQ(kept, 3u);
  EXPECT_LT(plan.ready_bytes(), 250u + 100u);
  EXPECT_FALSE(plan.next_fetch());
}

TEST(SubscriptionPlan, what_was_dropped_is_read_again_from_the_same_offset_and_in_turn) {
  auto plan = plan_of(2, 10'000, {100, 100, 10'000});
  ASSERT_EQ(park_all(plan).size(), 2u);
  plan.fetched(0, 5, 100, 100);
  EXPECT_FALSE(plan.has_space());
  plan.dropped(1);
  EXPECT_EQ(plan.part(1).offset, 0);
  plan.sent(100);
  const auto next = plan.next_fetch();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->part, 0u);
  EXPECT_EQ(next->kind, Kind::kRead);
  plan.fetched(0, 6, 1, 1);
  EXPECT_EQ(plan.next_fetch()->part, 1u);
}

TEST(SubscriptionPlan, a_smaller_limit_holds_from_the_next_fetch_on) {
  auto plan = plan_of(3, 10'000);
  ASSERT_TRUE(plan.next_fetch());
  plan.fetched(0, 1, 100, 100);
  plan.limit(50, 100);
  EXPECT_FALSE(plan.next_fetch());
  plan.sent(100);
  EXPECT_EQ(plan.next_fetch()->bytes_max, 50u);
}

TEST(SubscriptionPlan, a_failed_part_is_read_no_further_and_the_others_go_on) {
  auto plan = plan_of(2, 1000);
  ASSERT_TRUE(plan.next_fetch());
  ASSERT_TRUE(plan.next_fetch());
  plan.failed(0);
  EXPECT_FALSE(plan.all_failed());
  plan.waited(1);
  EXPECT_EQ(plan.next_fetch()->part, 1u);
  EXPECT_FALSE(plan.next_fetch());
  plan.failed(1);
  EXPECT_TRUE(plan.all_failed());
}

TEST(SubscriptionPlan, credit_above_the_limit_is_cut_off) {
  auto plan = plan_of(1, UINT64_MAX);
  EXPECT_EQ(plan.grant(UINT64_MAX), 10'000u);
}

}  // namespace
}  // namespace ion::transport_grpc
