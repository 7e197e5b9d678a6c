#include "partition/log_users.h"

#include <gtest/gtest.h>

namespace ion::partition {
namespace {

TEST(LogUsers, a_log_that_nobody_uses_is_closed_by_the_closer) {
  LogUsers users;
  ASSERT_TRUE(users.arrive());
  EXPECT_FALSE(users.depart());
  EXPECT_TRUE(users.close());
}

TEST(LogUsers, the_last_reader_closes_a_log_that_was_closed_under_it) {
  LogUsers users;
  ASSERT_TRUE(users.arrive() && users.arrive());
  EXPECT_FALSE(users.close());
  EXPECT_FALSE(users.depart());
  EXPECT_TRUE(users.depart());
}

TEST(LogUsers, one_that_came_too_late_closes_the_log_when_the_last_reader_left_before_it) {
  LogUsers users;
  ASSERT_TRUE(users.arrive());
  EXPECT_FALSE(users.close());
  EXPECT_FALSE(users.arrive());
  EXPECT_FALSE(users.depart());  // the reader
  EXPECT_TRUE(users.depart());   // the late one
}

}  // namespace
}  // namespace ion::partition
