// What was lost of a log, as a reader meets it, and the next step towards a whole one.
#include "partition/core/repair_plan.h"

#include <gtest/gtest.h>

namespace ion::partition {
namespace {

batch::Header batch_of(int64_t base, int32_t offsets, int32_t records, int32_t bytes = 100) {
  batch::Header h;
  h.base_offset = {base}, h.last_offset_delta = offsets - 1, h.count = records;
  h.length = bytes - 12;
  return h;
}
ion_range piece(int64_t base, int64_t next, uint64_t bytes) { return {base, next, bytes, -1, -1}; }
LogStat damaged(int64_t first, int64_t next, int64_t from, int64_t upto) {
  LogStat s;
  s.damaged = true, s.first = {first}, s.next = {next}, s.bad_from = {from}, s.bad_upto = {upto};
  return s;
}
using Kind = RepairStep::Kind;

TEST(Survey, what_was_read_stays_and_the_bytes_of_damaged_pieces_that_were_not_are_lost) {
  LogSurvey survey({0}, {30}, {piece(0, 10, 1'000), piece(10, 20, 1'000)}, 2'500);
  survey.read(batch_of(0, 10, 10, 1'000));
  survey.read(batch_of(10, 3, 3, 300));
  survey.lost({13}, {17});
  survey.read(batch_of(17, 3, 3, 250));
  survey.read(batch_of(20, 5, 5, 300));
  survey.lost({25}, {30});
  const RepairReport report = survey.report();
  EXPECT_EQ(report.parts, (std::vector<LostPart>{{{13}, {17}}, {{25}, {30}}}));
  EXPECT_EQ(report.parts_all, 2u);
  EXPECT_EQ(report.bytes_lost, 450u + 200u);
  EXPECT_EQ(report.records_left, 21u);
  EXPECT_EQ(report.bytes_left, 1'850u);
  EXPECT_TRUE(report.dense);
}

TEST(Survey, offsets_without_a_record_say_that_a_lost_part_may_have_had_fewer_records) {
  LogSurvey gap({0}, {10}, {}, 0), thin({0}, {10}, {}, 0), cut({3}, {10}, {}, 0);
  gap.read(batch_of(0, 2, 2)), gap.read(batch_of(5, 5, 5));
  thin.read(batch_of(0, 10, 4));
  cut.read(batch_of(0, 10, 10));
  EXPECT_FALSE(gap.report().dense);
  EXPECT_FALSE(thin.report().dense);
  EXPECT_TRUE(cut.report().dense) << "a log may begin within a batch";
}

TEST(Survey, neighbours_are_one_part_and_of_very_many_the_first_are_listed) {
  LogSurvey survey({0}, {100'000}, {}, 0);
  survey.lost({5}, {7}), survey.lost({7}, {9});
  for (int64_t at = 10; at < 3'010; at += 2) survey.lost({at}, {at + 1});
  const RepairReport report = survey.report();
  EXPECT_EQ(report.parts.front(), (LostPart{{5}, {9}}));
  EXPECT_EQ(report.parts.size(), LogSurvey::kPartsMax);
  EXPECT_EQ(report.parts_all, 1'501u);
}

TEST(Steps, a_whole_log_needs_none_and_damage_in_a_piece_replaces_that_piece) {
  const std::vector<ion_range> sealed{piece(5, 10, 1), piece(10, 20, 1), piece(20, 30, 1)};
  LogStat whole = damaged(5, 30, -1, -1);
  whole.damaged = false;
  EXPECT_EQ(next_repair_step(whole, sealed), RepairStep{});
  EXPECT_EQ(next_repair_step(damaged(5, 30, 12, 14), sealed), (RepairStep{Kind::kReplace, {10}, {20}}));
  EXPECT_EQ(next_repair_step(damaged(5, 30, 10, 20), sealed), (RepairStep{Kind::kReplace, {10}, {20}}));
  EXPECT_EQ(next_repair_step(damaged(5, 30, 29, 30), sealed), (RepairStep{Kind::kReplace, {20}, {30}}));
  EXPECT_EQ(next_repair_step(damaged(5, 30, 12, 22), sealed), (RepairStep{Kind::kReplace, {10}, {30}}));
  EXPECT_EQ(next_repair_step(damaged(5, 30, 3, 7), sealed), (RepairStep{Kind::kReplace, {5}, {10}})) << "it begins below the log";
}

TEST(Steps, empty_damage_at_the_border_of_two_pieces_replaces_both) {
  const std::vector<ion_range> sealed{piece(0, 10, 1), piece(10, 20, 1), piece(20, 30, 1)};
  EXPECT_EQ(next_repair_step(damaged(0, 30, 10, 10), sealed), (RepairStep{Kind::kReplace, {0}, {20}}));
  EXPECT_EQ(next_repair_step(damaged(0, 30, 0, 0), sealed), (RepairStep{Kind::kReplace, {0}, {10}}));
  EXPECT_EQ(next_repair_step(damaged(0, 30, 15, 15), sealed), (RepairStep{Kind::kReplace, {10}, {20}}));
  EXPECT_EQ(next_repair_step(damaged(0, 30, 30, 30), sealed), (RepairStep{Kind::kReplace, {20}, {30}}));
}

TEST(Steps, what_no_piece_holds_goes_with_the_beginning) {
  const std::vector<ion_range> sealed{piece(10, 20, 1)};
  EXPECT_EQ(next_repair_step(damaged(0, 20, 0, 10), sealed), (RepairStep{Kind::kCutPrefix, {0}, {10}}));
  EXPECT_EQ(next_repair_step(damaged(0, 20, 0, 20), {}), (RepairStep{Kind::kCutPrefix, {0}, {20}}));
}

}  // namespace
}  // namespace ion::partition
