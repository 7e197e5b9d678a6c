// Which records of a run failed, in few words.
#include "core/record_ranges.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace ion::cli {
namespace {

std::string ranges(std::initializer_list<uint64_t> numbers, size_t ranges_max = 10) {
  RecordRanges all;
  for (const uint64_t n : numbers) all.add(n);
  EXPECT_EQ(all.count(), numbers.size());
  return all.text(ranges_max);
}

TEST(RecordRanges, join_what_follows_in_whatever_order_it_comes) {
  EXPECT_EQ(ranges({}), "");
  EXPECT_EQ(ranges({7}), "record 7");
  EXPECT_EQ(ranges({7, 8, 9}), "records 7-9");
  EXPECT_EQ(ranges({9, 7, 8}), "records 7-9");
  EXPECT_EQ(ranges({8, 7}), "records 7-8");
  EXPECT_EQ(ranges({1, 5, 3, 4, 10}), "records 1, 3-5, 10");
}

TEST(RecordRanges, that_are_not_shown_are_counted_up_to_the_highest) {
  EXPECT_EQ(ranges({1, 3, 5, 6, 7, 90}, 2), "records 1, 3 and 4 more up to 90");
}

TEST(RecordRanges, keep_the_lowest_and_the_count_of_very_many) {
  RecordRanges all;
  for (uint64_t n = 0; n < 100'000; ++n) all.add(2 * n + 1);
  EXPECT_EQ(all.count(), 100'000u);
  EXPECT_EQ(all.text(2), "records 1, 3 and 99998 more up to 199999");
}

}  // namespace
}  // namespace ion::cli
