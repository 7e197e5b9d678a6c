// Which prefix of a log may go: by age of the append, by bytes, never what nobody has seen yet.
#include "partition/core/retention_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace ion::partition {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr RetentionRules kHour{seconds(3600), 0, {}};

// Pieces of 10 offsets and 100 bytes each; `ages`: seconds since their last append, oldest piece first.
std::vector<ion_range> pieces_of(const std::vector<int64_t>& ages) {
  std::vector<ion_range> pieces;
  for (const int64_t age : ages) {
    const auto base = static_cast<int64_t>(pieces.size()) * 10;
    pieces.push_back({base, base + 10, 100, 5, age < 0 ? -1 : kNow - age * 1'000});
  }
  return pieces;
}
LogFacts facts_of(const std::vector<ion_range>& pieces, uint64_t active_bytes = 0, int64_t active_age_s = 0) {
  LogFacts log;
  log.sealed = {static_cast<int64_t>(pieces.size()) * 10};
  log.next = {log.sealed.v + (active_bytes > 0 ? 5 : 0)};
  log.visible = log.next;
  log.bytes = pieces.size() * 100 + active_bytes;
  if (active_bytes > 0) log.active_since = {kNow - active_age_s * 1'000};
  return log;
}
RetentionPlan plan(const RetentionRules& rules, const LogFacts& log, const std::vector<ion_range>& pieces) {
  return plan_retention(rules, log, pieces, {kNow});
}

TEST(RetentionPlan, without_rules_nothing_goes) {
  const auto pieces = pieces_of({1'000'000, 1'000'000});
  const RetentionPlan p = plan({}, facts_of(pieces, 50, 1'000'000), pieces);
  EXPECT_EQ(p.start.v, 0);
  EXPECT_FALSE(p.seal);
}

TEST(RetentionPlan, what_was_appended_too_long_ago_goes_up_to_the_first_piece_that_was_not) {
  const auto pieces = pieces_of({9000, 3600, 3599, 9000});
  EXPECT_EQ(plan(kHour, facts_of(pieces), pieces).start.v, 20);
}

TEST(RetentionPlan, what_nobody_knows_the_age_of_stays) {
  const auto pieces = pieces_of({-1, 9000});
  EXPECT_EQ(plan(kHour, facts_of(pieces), pieces).start.v, 0);
}

TEST(RetentionPlan, a_size_keeps_at_least_so_many_bytes) {
  const auto pieces = pieces_of({1, 1, 1});
  EXPECT_EQ(plan({{}, 250, {}}, facts_of(pieces), pieces).start.v, 0) << "with one piece less there would be 200";
  EXPECT_EQ(plan({{}, 200, {}}, facts_of(pieces), pieces).start.v, 10);
  EXPECT_EQ(plan({{}, 250, {}}, facts_of(pieces, 50), pieces).start.v, 10);
  EXPECT_EQ(plan({{}, 1, {}}, facts_of(pieces), pieces).start.v, 20);
}

TEST(RetentionPlan, either_limit_is_enough) {
  const auto pieces = pieces_of({9000, 1, 1, 1});
  EXPECT_EQ(plan({seconds(3600), 200, {}}, facts_of(pieces), pieces).start.v, 20);
  EXPECT_EQ(plan({seconds(3600), 1'000, {}}, facts_of(pieces), pieces).start.v, 10);
}

TEST(RetentionPlan, what_is_not_visible_yet_stays) {
  const auto pieces = pieces_of({9000, 9000, 9000});
  LogFacts log = facts_of(pieces);
  log.visible = {15};
  EXPECT_EQ(plan(kHour, log, pieces).start.v, 10);
}

TEST(RetentionPlan, a_log_that_was_trimmed_in_the_middle_of_a_piece_never_starts_earlier) {
  auto pieces = pieces_of({9000, 1});
  LogFacts log = facts_of(pieces);
  log.first = {15};
  pieces.erase(pieces.begin());
  EXPECT_EQ(plan(kHour, log, pieces).start.v, 15);
}

TEST(RetentionPlan, the_active_segment_is_closed_after_an_eighth_of_the_age_so_that_its_records_can_go_in_time) {
  const auto pieces = pieces_of({});
  EXPECT_FALSE(plan(kHour, facts_of(pieces, 10, 449), pieces).seal);
  EXPECT_TRUE(plan(kHour, facts_of(pieces, 10, 450), pieces).seal);
  EXPECT_FALSE(plan(kHour, facts_of(pieces), pieces).seal) << "there is nothing in it";
  EXPECT_TRUE(plan({{}, 0, seconds(60)}, facts_of(pieces, 10, 60), pieces).seal) << "segment.ms alone";
  EXPECT_FALSE(plan({{}, 10, {}}, facts_of(pieces, 10, 1'000'000), pieces).seal) << "it is not too much";
  EXPECT_TRUE(plan({{}, 10, {}}, facts_of(pieces, 11, 1), pieces).seal) << "a limit that was lowered reaches what was written before";
}

TEST(RetentionPlan, a_log_whose_newest_record_is_too_old_goes_as_a_whole) {
  const auto pieces = pieces_of({9000});
  LogFacts log = facts_of(pieces, 10, 4000);
  log.appended = {kNow - 3'600'000};
  EXPECT_EQ(plan(kHour, log, pieces).start.v, 15);
  log.visible = {14};
  EXPECT_EQ(plan(kHour, log, pieces).start.v, 10) << "the last record is not visible yet";
  log.visible = log.next, log.appended = {kNow - 3'599'000};
  EXPECT_EQ(plan(kHour, log, pieces).start.v, 10);
}

TEST(RetentionPlan, the_next_look_is_when_the_first_thing_can_happen) {
  const auto pieces = pieces_of({3000, 100});
  EXPECT_EQ(plan(kHour, facts_of(pieces), pieces).next_look.ms, kNow + 450'000) << "something appended now closes its segment then";
  EXPECT_EQ(plan(kHour, facts_of(pieces, 10, 200), pieces).next_look.ms, kNow + 250'000);
  const auto nearly = pieces_of({3500, 100});
  EXPECT_EQ(plan(kHour, facts_of(nearly), nearly).next_look.ms, kNow + 100'000);
  EXPECT_EQ(plan({seconds(100 * 86'400), 0, {}}, facts_of(pieces), pieces).next_look.ms, kNow + kLookPauseMaxMs) << "not later";
  EXPECT_EQ(plan({milliseconds(1), 0, {}}, facts_of(pieces_of({})), {}).next_look.ms, kNow + kLookPauseMs) << "not sooner";
}

TEST(RetentionPlan, a_clock_before_every_append_lets_all_stay) {
  const auto pieces = pieces_of({9000});
  EXPECT_EQ(plan_retention(kHour, facts_of(pieces), pieces, {0}).start.v, 0);
}

}  // namespace
}  // namespace ion::partition
