// When the sealed part of a log is worth a compaction, and up to where.
#include "partition/core/compaction_plan.h"

#include <gtest/gtest.h>

namespace ion::partition {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

// Pieces of 100 offsets and 1,000 bytes; `ages_s`: how long ago each was appended to last.
std::vector<ion_range> pieces(const std::vector<int64_t>& ages_s) {
  std::vector<ion_range> all;
  for (const int64_t age : ages_s) {
    const auto base = static_cast<int64_t>(all.size()) * 100;
    all.push_back({base, base + 100, 1000, -1, age < 0 ? -1 : kNow - age * 1000});
  }
  return all;
}
CompactionRules rules() {
  CompactionRules r;
  r.on = true, r.tombstone_age = seconds(86'400);
  return r;
}
CompactionFacts facts(const std::vector<ion_range>& sealed, int64_t clean = 0) {
  CompactionFacts f;
  f.sealed = f.next = f.visible = f.durable = {sealed.empty() ? 0 : sealed.back().next};
  f.appended = {sealed.empty() ? -1 : sealed.back().appended_ms};
  f.clean = {clean};
  return f;
}

TEST(CompactionPlan, a_topic_without_compaction_has_nothing_to_do) {
  const auto sealed = pieces({100});
  EXPECT_FALSE(plan_compaction({}, facts(sealed), sealed, {kNow}).due);
}

TEST(CompactionPlan, it_is_worth_it_from_the_dirty_part_of_the_bytes_on) {
  const auto sealed = pieces({40, 30, 20, 10});
  EXPECT_TRUE(plan_compaction(rules(), facts(sealed, 200), sealed, {kNow}).due);
  EXPECT_EQ(plan_compaction(rules(), facts(sealed, 200), sealed, {kNow}).upto.v, 400);
  EXPECT_FALSE(plan_compaction(rules(), facts(sealed, 300), sealed, {kNow}).due);
  CompactionRules eager = rules();
  eager.dirty_ppm = 10'000;
  EXPECT_TRUE(plan_compaction(eager, facts(sealed, 300), sealed, {kNow}).due);
  EXPECT_FALSE(plan_compaction(eager, facts(sealed, 400), sealed, {kNow}).due) << "nothing is dirty";
  eager.dirty_ppm = 0;
  EXPECT_FALSE(plan_compaction(eager, facts(sealed, 400), sealed, {kNow}).due);
}

TEST(CompactionPlan, what_is_younger_than_the_least_lag_stays) {
  const auto sealed = pieces({40, 30, 20, 10});
  CompactionRules young = rules();
  young.lag_min = seconds(25);
  const CompactionPlan plan = plan_compaction(young, facts(sealed), sealed, {kNow});
  EXPECT_TRUE(plan.due);
  EXPECT_EQ(plan.upto.v, 200);
  young.lag_min = seconds(50);
  const CompactionPlan later = plan_compaction(young, facts(sealed), sealed, {kNow});
  EXPECT_FALSE(later.due);
  EXPECT_EQ(later.next_look.ms, kNow + 10'000);
}

TEST(CompactionPlan, a_greatest_lag_forces_it) {
  const auto sealed = pieces({400, 300, 200, 10});
  CompactionRules forced = rules();
  forced.lag_max = seconds(100);
  EXPECT_FALSE(plan_compaction(forced, facts(sealed, 300), sealed, {kNow}).due);
  EXPECT_EQ(plan_compaction(forced, facts(sealed, 300), sealed, {kNow}).next_look.ms, kNow + 40'000);
  EXPECT_TRUE(plan_compaction(forced, facts(sealed, 300), sealed, {kNow + 40'000}).due) << "half of it is for the active segment";
}

TEST(CompactionPlan, nothing_is_touched_that_is_not_durable_and_seen_by_all) {
  const auto sealed = pieces({40, 30});
  CompactionFacts f = facts(sealed);
  f.visible = {150};
  EXPECT_EQ(plan_compaction(rules(), f, sealed, {kNow}).upto.v, 100);
  f.visible = {200}, f.durable = {99};
  EXPECT_FALSE(plan_compaction(rules(), f, sealed, {kNow}).due);
}

TEST(CompactionPlan, a_log_that_nobody_writes_to_is_compacted_to_its_end) {
  const auto sealed = pieces({90'000, 90'000, 90'000, 86'000});
  EXPECT_FALSE(plan_compaction(rules(), facts(sealed, 300), sealed, {kNow}).due);
  EXPECT_EQ(plan_compaction(rules(), facts(sealed, 300), sealed, {kNow}).next_look.ms, kNow + 400'000);
  EXPECT_TRUE(plan_compaction(rules(), facts(sealed, 300), sealed, {kNow + 400'000}).due);
}

TEST(CompactionPlan, tombstones_go_by_the_clock) {
  const auto sealed = pieces({40, 30});
  CompactionFacts f = facts(sealed, 200);
  f.tombstones_due = {kNow + 1};
  EXPECT_FALSE(plan_compaction(rules(), f, sealed, {kNow}).due);
  EXPECT_EQ(plan_compaction(rules(), f, sealed, {kNow}).next_look.ms, kNow + 1);
  const CompactionPlan plan = plan_compaction(rules(), f, sealed, {kNow + 1});
  EXPECT_TRUE(plan.due);
  EXPECT_EQ(plan.upto.v, 200);
}

TEST(CompactionPlan, the_active_segment_is_closed_early_enough_for_each_rule) {
  CompactionRules r = rules();
  EXPECT_EQ(compacted_segment_age(r, {}), seconds(86'400));
  EXPECT_EQ(compacted_segment_age(r, seconds(5)), seconds(5));
  r.lag_max = seconds(8);
  EXPECT_EQ(compacted_segment_age(r, seconds(5)), seconds(4));
  r.lag_max = {}, r.tombstone_age = {};
  EXPECT_EQ(compacted_segment_age(r, {}), seconds(60));
}

TEST(CompactionPlan, small_pieces_are_taken_together) {
  const auto sealed = pieces({5, 4, 3, 2, 1});
  const auto groups = group_pieces(sealed, {400}, 2'500);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].next.v, 200);
  EXPECT_EQ(groups[0].pieces, 2u);
  EXPECT_EQ(groups[1].base.v, 200);
  EXPECT_EQ(groups[1].next.v, 400);
  EXPECT_EQ(group_pieces(sealed, {500}, 10).size(), 5u) << "one at least";
}

}  // namespace
}  // namespace ion::partition
