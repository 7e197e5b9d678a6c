#include "core/roll_policy.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

constexpr uint64_t kMiB = 1 << 20;
const RollRules kRules{kMiB, {}};

TEST(RollBefore, a_segment_takes_what_fits_and_an_empty_one_all_that_fits_its_file) {
  EXPECT_EQ(roll_before({kMiB, 0, {}, false}, kMiB, kRules, {1}), Roll::kNo);
  EXPECT_EQ(roll_before({kMiB, 1, {}, false}, kMiB, kRules, {1}), Roll::kFull);
  EXPECT_EQ(roll_before({kMiB, 1000, {}, false}, kMiB - 1000, kRules, {1}), Roll::kNo);
  EXPECT_EQ(roll_before({kMiB, 0, {}, false}, kMiB + 1, kRules, {1}), Roll::kFull);
  EXPECT_EQ(roll_before({4 * kMiB, 0, {}, false}, 2 * kMiB, kRules, {1}), Roll::kNo);  // its own, larger file
}

TEST(RollBefore, a_lowered_limit_holds_for_the_segment_in_use) {
  EXPECT_EQ(roll_before({4 * kMiB, kMiB, {}, false}, 100, kRules, {1}), Roll::kFull);
}

TEST(RollBefore, age_counts_from_the_first_batch_and_zero_is_never) {
  const RollRules aged{kMiB, seconds(10)};
  const Instant first{5};
  EXPECT_EQ(roll_before({kMiB, 10, first, false}, 10, aged, first + seconds(9)), Roll::kNo);
  EXPECT_EQ(roll_before({kMiB, 10, first, false}, 10, aged, first + seconds(10)), Roll::kOld);
  EXPECT_EQ(roll_before({kMiB, 0, {}, false}, 10, aged, first + seconds(100)), Roll::kNo);
  EXPECT_EQ(roll_before({kMiB, 10, first, false}, 10, kRules, first + seconds(1'000'000)), Roll::kNo);
}

TEST(RollBefore, a_retired_segment_takes_nothing) {
  EXPECT_EQ(roll_before({kMiB, 10, {}, true}, 1, kRules, {1}), Roll::kRetired);
}

TEST(NextCapacity, grows_four_times_and_later_twice_up_to_the_limit_in_whole_pages) {
  EXPECT_EQ(first_capacity(256 * kMiB, 0), kFirstSegmentBytes);
  EXPECT_EQ(next_capacity(kFirstSegmentBytes, Roll::kFull, 256 * kMiB, 0), 4 * kFirstSegmentBytes);
  EXPECT_EQ(next_capacity(4 * kMiB, Roll::kFull, 256 * kMiB, 0), 16 * kMiB);
  EXPECT_EQ(next_capacity(16 * kMiB, Roll::kFull, 256 * kMiB, 0), 32 * kMiB);  // large ones twice
  EXPECT_EQ(next_capacity(128 * kMiB, Roll::kFull, 256 * kMiB, 0), 256 * kMiB);
  EXPECT_EQ(next_capacity(kMiB, Roll::kOld, 256 * kMiB, 0), kMiB);
  EXPECT_EQ(first_capacity(1, 0), kSegmentBytesMin);
  EXPECT_EQ(next_capacity(kMiB, Roll::kFull, kMiB, 3 * kMiB + 1), 3 * kMiB + 4096);  // a large batch gets its own
  EXPECT_EQ(next_capacity(kMiB, Roll::kFull, uint64_t{100} << 30, 0), 4 * kMiB);
}

TEST(ResumedCapacity, holds_what_comes_and_as_much_again_as_there_is_up_to_the_limit) {
  EXPECT_EQ(resumed_capacity(0, 256 * kMiB, 100), kFirstSegmentBytes);
  EXPECT_EQ(resumed_capacity(kMiB, 256 * kMiB, 100), 2 * kMiB);
  EXPECT_EQ(resumed_capacity(200 * kMiB, 256 * kMiB, 100), 256 * kMiB);
  EXPECT_EQ(resumed_capacity(kMiB, kMiB, 4096), kMiB + 4096);  // roll_before closes it
}

TEST(SegmentSize, is_at_least_that_of_a_first_one_and_holds_what_comes) {
  const auto least = [](SegmentSize size) { return size.least; };
  EXPECT_EQ(least(next_size(16 * kMiB, Roll::kFull, 256 * kMiB, 100)), kFirstSegmentBytes);
  EXPECT_EQ(least(next_size(16 * kMiB, Roll::kFull, 256 * kMiB, kMiB)), kMiB);
  EXPECT_EQ(least(next_size(4096, Roll::kOld, 4096, 0)), 4096u);  // never more than is wanted
  EXPECT_EQ(next_size(16 * kMiB, Roll::kFull, 256 * kMiB, 100).wanted, 32 * kMiB);
  EXPECT_EQ(least(resumed_size(100 * kMiB, 256 * kMiB, 100)), 100 * kMiB + kFirstSegmentBytes);
  EXPECT_EQ(least(resumed_size(100 * kMiB, 256 * kMiB, kMiB)), 101 * kMiB);
  EXPECT_EQ(least(resumed_size(0, 4096, 100)), 4096u);
}

TEST(SegmentsAhead, only_logs_that_roll_keep_some_ready) {
  EXPECT_EQ(segments_ahead({kMiB, 0, {}, false}, false, 2, kMiB), 0u);
  EXPECT_EQ(segments_ahead({kMiB, kMiB / 2 + 1, {}, false}, false, 2, kMiB), 1u);
  EXPECT_EQ(segments_ahead({kMiB, 0, {}, false}, true, 2, kMiB), 2u);
  EXPECT_EQ(segments_ahead({kMiB, 0, {}, false}, true, 2, 16 * kMiB), 0u);  // large ones: when it is half through
  EXPECT_EQ(segments_ahead({kMiB, kMiB / 2 + 1, {}, false}, true, 2, 16 * kMiB), 1u);
  EXPECT_EQ(segments_ahead({kMiB, kMiB, {}, false}, true, 0, kMiB), 0u);
}

TEST(Zeroing, is_for_logs_that_are_flushed_often) {
  EXPECT_FALSE(worth_zeroing(64 * kMiB, 0));
  EXPECT_FALSE(worth_zeroing(64 * kMiB, 16));
  EXPECT_TRUE(worth_zeroing(64 * kMiB, 17));
  EXPECT_TRUE(worth_zeroing(kMiB, 1));
  EXPECT_FALSE(worth_zeroing(0, 0));
}

TEST(DiskSpace, topics_are_refused_first_then_all_but_raft_and_metadata) {
  const SpaceRules rules;
  const auto code = [&](uint64_t used_percent, std::string_view log) {
    return check_space({1000 * kMiB / 100 * (100 - used_percent), 1000 * kMiB}, 4096, class_of(log), rules).code();
  };
  EXPECT_EQ(code(90, "p/a/0"), ION_OK);
  EXPECT_EQ(code(96, "p/a/0"), ION_E_NO_SPACE);
  EXPECT_EQ(code(96, "state/a/0"), ION_OK);
  EXPECT_EQ(code(99, "state/a/0"), ION_E_NO_SPACE);
  EXPECT_EQ(code(99, "raft/meta"), ION_OK);
  EXPECT_EQ(code(99, "meta/topics"), ION_OK);
  EXPECT_EQ(code(100, "raft/meta"), ION_OK);  // the disk itself will say so
}

TEST(DiskSpace, the_segment_itself_counts_and_both_numbers_are_told) {
  const Status s = check_space({100 * kMiB, 1000 * kMiB}, 60 * kMiB, LogClass::kData, {});
  EXPECT_EQ(s.code(), ION_E_NO_SPACE);
  EXPECT_NE(s.message().find(std::to_string(100 * kMiB)), std::string::npos);
  EXPECT_NE(s.message().find(std::to_string(60 * kMiB)), std::string::npos);
  EXPECT_TRUE(check_space({100 * kMiB, 1000 * kMiB}, 40 * kMiB, LogClass::kData, {}).ok());
  EXPECT_TRUE(check_space({0, 0}, 1, LogClass::kData, {}).ok());  // a host that cannot tell
}

}  // namespace
}  // namespace ion::storage_mmap
