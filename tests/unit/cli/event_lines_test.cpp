#include "core/event_lines.h"

#include <gtest/gtest.h>

namespace ion::cli {
namespace {

TEST(EventLines, the_first_ones_of_a_topic_and_a_kind_are_told_and_the_rest_counted) {
  EventLines lines;
  for (uint64_t i = 0; i < EventLines::kLinesMax; ++i) EXPECT_EQ(lines.add("orders", "partitions cannot be read", "partition"), "partition");
  EXPECT_EQ(lines.rest(), "");
  EXPECT_FALSE(lines.add("orders", "partitions cannot be read", "partition 10"));
  EXPECT_FALSE(lines.add("orders", "partitions cannot be read", "partition 11"));
  EXPECT_TRUE(lines.add("orders", "partitions are served again", "partition 3"));
  EXPECT_TRUE(lines.add("payments", "partitions cannot be read", "partition 0"));
  EXPECT_EQ(lines.rest(), "ion: topic orders: and 2 more partitions cannot be read; the last: partition 11\n");
  EXPECT_EQ(lines.rest(), "") << "they are told once";
  EXPECT_FALSE(lines.add("orders", "partitions cannot be read", "partition 12"));
  EXPECT_EQ(lines.rest(), "ion: topic orders: and 1 more partitions cannot be read; the last: partition 12\n");
}

}  // namespace
}  // namespace ion::cli
