// The plan is tested as a table of directories: names, lengths, what a scan found, the mark; no disk.
#include "core/recovery_plan.h"

#include "segment_builder.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

constexpr uint64_t kFileBytes = 4096;

FoundSegment found(int64_t base, std::optional<SegmentSummary> index = std::nullopt) {
  FoundSegment f{{base}, kFileBytes, std::nullopt};
  if (index) f.index = SegmentIndex{*index, {}};
  return f;
}
SegmentSummary summary(int64_t base, int64_t next, uint64_t end) { return {{base}, {next}, end, 99, Epoch{1}, WallMs{5}}; }
ReadSegment believed(int64_t base, int64_t next) { return {found(base, summary(base, next, 1000)), std::nullopt, false}; }
ReadSegment read(int64_t base, int64_t next, uint64_t end, std::vector<BadRange> bad = {}) {
  ScanResult r;
  r.summary = summary(base, next, end);
  r.bad = std::move(bad);
  r.end = Fault::kEnd;
  return {found(base), r, false};
}
Mark mark(int64_t first, int64_t offset, int64_t segment, uint64_t position) { return {{first}, {offset}, {segment}, position, 7, Epoch{1}}; }

TEST(PlanReading, without_files_nothing_is_read) {
  EXPECT_TRUE(plan_reading({}, std::nullopt).read.empty());
}

TEST(PlanReading, the_marks_segment_and_all_behind_it_are_read_and_older_ones_believed_by_their_index) {
  const std::vector<FoundSegment> files{found(0, summary(0, 10, 500)), found(10, summary(10, 20, 500)), found(20), found(30)};
  const ReadingPlan plan = plan_reading(files, mark(0, 25, 20, 300));
  ASSERT_EQ(plan.read.size(), 2u);
  EXPECT_EQ(plan.read[0].which, 2u);
  EXPECT_EQ(plan.read[0].stop_at.v, 30);
  ASSERT_TRUE(plan.read[0].mark.has_value());
  EXPECT_EQ(plan.read[0].mark->position, 300u);
  EXPECT_EQ(plan.read[1].which, 3u);
  EXPECT_FALSE(plan.read[1].mark.has_value());
}

TEST(PlanReading, an_index_that_joins_is_believed_above_the_mark_too_but_for_the_last_segment) {
  const std::vector<FoundSegment> files{found(0, summary(0, 10, 500)), found(10, summary(10, 20, 500)), found(20, summary(20, 30, 500))};
  const ReadingPlan plan = plan_reading(files, mark(0, 0, 0, 0));
  ASSERT_EQ(plan.read.size(), 1u);
  EXPECT_EQ(plan.read[0].which, 2u);
  EXPECT_TRUE(plan.read[0].index_agrees);
}

TEST(PlanReading, an_index_that_does_not_join_its_neighbour_or_outgrows_its_file_is_not_believed) {
  EXPECT_EQ(plan_reading(std::vector{found(0, summary(0, 12, 500)), found(10)}, mark(0, 15, 10, 9)).read.size(), 2u);
  EXPECT_EQ(plan_reading(std::vector{found(0, summary(0, 10, kFileBytes + 1)), found(10)}, mark(0, 15, 10, 9)).read.size(), 2u);
  EXPECT_EQ(plan_reading(std::vector{found(0), found(10)}, mark(0, 15, 10, 9)).read.size(), 2u);
}

TEST(PlanReading, what_lies_below_the_first_offset_is_left_over) {
  const ReadingPlan plan = plan_reading(std::vector{found(0), found(10), found(20)}, mark(12, 25, 20, 9));
  EXPECT_EQ(plan.below_first, (std::vector<size_t>{0}));
  EXPECT_EQ(plan.read.size(), 2u);
}

TEST(Checkpoints, the_mark_takes_its_place_among_the_entries) {
  const SegmentIndex index{summary(0, 30, 900), {{{0}, 0, 1}, {{10}, 300, 2}, {{20}, 600, 3}}};
  const auto points = checkpoints_of(&index, Checkpoint{{15}, 450, 9});
  ASSERT_EQ(points.size(), 5u);
  EXPECT_EQ(points[2].position, 450u);
  EXPECT_EQ(points[4].position, 900u);
  EXPECT_EQ(checkpoints_of(&index, Checkpoint{{10}, 300, 2}).size(), 4u);
  EXPECT_EQ(checkpoints_of(nullptr, Checkpoint{{10}, 300, 2}).size(), 1u);
}

TEST(Judge, a_new_log_begins_at_zero_and_a_marked_one_where_the_mark_says) {
  const Judgement fresh = judge({}, std::nullopt);
  EXPECT_TRUE(fresh.restart);
  EXPECT_EQ(fresh.next.v, 0);
  const Judgement moved = judge({}, mark(500, 500, 500, 0));
  EXPECT_TRUE(moved.restart);
  EXPECT_EQ(moved.next.v, 500);
  EXPECT_FALSE(moved.damaged());
}

TEST(Judge, segments_that_join_are_kept) {
  const Judgement j = judge(std::vector{believed(0, 10), read(10, 20, 700), read(20, 25, 300)}, mark(3, 22, 20, 200));
  EXPECT_EQ(j.keep.size(), 3u);
  EXPECT_TRUE(j.remove.empty());
  EXPECT_EQ(j.first.v, 3);
  EXPECT_EQ(j.next.v, 25);
  EXPECT_FALSE(j.damaged() || j.cut_tail || j.restart);
}

TEST(Judge, a_bad_batch_above_the_mark_is_cut_with_everything_behind_it) {
  const std::vector segments{read(0, 30, 900, {{{12}, {15}, 400, 500, Fault::kChecksum}}), read(30, 40, 300)};
  const Judgement asked = judge(segments, mark(0, 10, 0, 350));
  ASSERT_TRUE(asked.cut.has_value());
  EXPECT_EQ(asked.cut->which, 0u);
  EXPECT_EQ(asked.cut->position, 400u);
  std::vector again{read(0, 12, 400), read(30, 40, 300)};
  again[0].cut = true;
  const Judgement j = judge(again, mark(0, 10, 0, 350));
  EXPECT_EQ(j.keep.size(), 1u);
  EXPECT_TRUE(j.keep[0].zero_tail);
  EXPECT_EQ(j.remove, (std::vector<size_t>{1}));
  EXPECT_EQ(j.next.v, 12);
  EXPECT_TRUE(j.cut_tail);
  EXPECT_FALSE(j.damaged());
}

TEST(Judge, a_bad_batch_below_the_mark_is_damage_and_nothing_is_cut) {
  const Judgement j = judge(std::vector{read(0, 30, 900, {{{12}, {15}, 400, 500, Fault::kChecksum}})}, mark(0, 30, 0, 900));
  EXPECT_FALSE(j.cut.has_value());
  ASSERT_EQ(j.bad.size(), 1u);
  EXPECT_EQ(j.bad[0].from.v, 12);
  EXPECT_EQ(j.next.v, 30);
  EXPECT_FALSE(j.cut_tail);
}

TEST(Judge, bytes_missing_below_the_mark_are_damage_up_to_the_mark) {
  const Judgement j = judge(std::vector{read(0, 12, 400)}, mark(0, 30, 0, 900));
  ASSERT_EQ(j.bad.size(), 1u);
  EXPECT_EQ(j.bad[0].from.v, 12);
  EXPECT_EQ(j.bad[0].upto.v, 30);
  EXPECT_EQ(j.next.v, 30);
}

TEST(Judge, a_missing_segment_below_the_mark_is_damage_and_above_it_the_end) {
  const std::vector segments{believed(0, 10), read(20, 25, 300)};
  const Judgement below = judge(segments, mark(0, 25, 20, 300));
  ASSERT_EQ(below.bad.size(), 1u);
  EXPECT_EQ(below.bad[0].from.v, 10);
  EXPECT_EQ(below.bad[0].upto.v, 20);
  EXPECT_EQ(below.keep.size(), 2u);
  const Judgement above = judge(std::vector{read(0, 10, 900), read(20, 25, 300)}, mark(0, 10, 0, 900));
  EXPECT_FALSE(above.damaged());
  EXPECT_TRUE(above.cut_tail);
  EXPECT_EQ(above.remove, (std::vector<size_t>{1}));
  EXPECT_EQ(above.next.v, 10);
}

TEST(Judge, lost_segments_at_either_end_are_damage) {
  const Judgement front = judge(std::vector{read(20, 25, 300)}, mark(0, 25, 20, 300));
  ASSERT_EQ(front.bad.size(), 1u);
  EXPECT_EQ(front.bad[0].upto.v, 20);
  const Judgement back = judge(std::vector{believed(0, 10)}, mark(0, 25, 10, 300));
  ASSERT_EQ(back.bad.size(), 1u);
  EXPECT_EQ(back.bad[0].from.v, 10);
  EXPECT_EQ(back.next.v, 25);
  const Judgement all = judge({}, mark(3, 25, 10, 300));
  ASSERT_EQ(all.bad.size(), 1u);
  EXPECT_EQ(all.bad[0].from.v, 3);
  EXPECT_FALSE(all.restart);
}

TEST(Judge, without_a_mark_damage_with_batches_behind_it_is_never_cut) {
  const Judgement j = judge(std::vector{read(0, 30, 900, {{{12}, {15}, 400, 500, Fault::kChecksum}})}, std::nullopt);
  EXPECT_TRUE(j.damaged());
  EXPECT_FALSE(j.cut.has_value());
  ReadSegment torn = read(0, 30, 900);
  torn.scan->end = Fault::kChecksum, torn.scan->dirty_tail = true;
  const Judgement tail = judge(std::vector{torn}, std::nullopt);
  EXPECT_FALSE(tail.damaged());
  EXPECT_TRUE(tail.cut_tail);
  EXPECT_EQ(tail.next.v, 30);
}

TEST(Judge, an_index_of_the_last_segment_is_evidence_beyond_an_older_mark) {
  ReadSegment last = read(0, 12, 400, {});
  last.found.index = SegmentIndex{summary(0, 30, 900), {}};
  const Judgement j = judge(std::vector{last}, mark(0, 5, 0, 100));
  ASSERT_EQ(j.bad.size(), 1u);
  EXPECT_EQ(j.bad[0].upto.v, 30);
}

TEST(PlanReading, of_a_log_that_was_restarted_beyond_its_end_reads_nothing_that_lies_below) {
  const std::vector<FoundSegment> old{{Offset{0}, 4096, std::nullopt}, {Offset{13}, 4096, std::nullopt}};
  EXPECT_EQ(plan_reading(old, mark(20, 20, 20, 0)).below_first, (std::vector<size_t>{0, 1}));
  EXPECT_TRUE(plan_reading(old, mark(20, 20, 20, 0)).read.empty());
  EXPECT_EQ(plan_reading(old, mark(20, 20, 13, 900)).below_first, (std::vector<size_t>{0}));  // emptied by cutting its prefix
  std::vector<FoundSegment> with_new = old;
  with_new.push_back({Offset{20}, 4096, std::nullopt});
  EXPECT_EQ(plan_reading(with_new, mark(20, 20, 20, 0)).below_first, (std::vector<size_t>{0, 1}));
}

TEST(Judge, an_interrupted_truncation_of_the_whole_log_is_finished) {
  const Judgement j = judge(std::vector{read(22, 24, 300)}, mark(16, 16, 16, 0));  // [14, 22) went, its name was below the first offset
  EXPECT_FALSE(j.damaged());
  EXPECT_EQ(j.next.v, 16);
  EXPECT_EQ(j.remove, (std::vector<size_t>{0}));
}

TEST(Judge, an_interrupted_restart_beyond_the_end_is_finished) {
  const Judgement j = judge(std::vector{believed(0, 10), read(10, 20, 700)}, mark(500, 500, 500, 0));
  EXPECT_TRUE(j.restart);
  EXPECT_EQ(j.next.v, 500);
  EXPECT_EQ(j.remove.size(), 2u);
  EXPECT_TRUE(j.keep.empty());
}

TEST(Judge, damage_below_the_first_offset_does_not_matter_any_more) {
  const Judgement j = judge(std::vector{read(0, 30, 900, {{{2}, {5}, 100, 200, Fault::kChecksum}})}, mark(6, 30, 0, 900));
  EXPECT_FALSE(j.damaged());
  EXPECT_EQ(j.keep[0].bad.size(), 1u);  // but nobody may walk through it
}

}  // namespace
}  // namespace ion::storage_mmap
