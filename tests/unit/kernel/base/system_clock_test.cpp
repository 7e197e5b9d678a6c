#include "base/system_clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace ion::base {
namespace {

TEST(system_clock, instants_never_go_back_and_are_never_none) {
  SystemClock clock;
  Instant before = clock.now();
  EXPECT_GT(before, Instant{});
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST(system_clock, wall_time_is_in_milliseconds_since_1970) {
  SystemClock clock;
  EXPECT_GT(clock.wall().ms, 1'577'836'800'000);  // 2020
  EXPECT_LT(clock.wall().ms, 7'258'118'400'000);  // 2200: not micro- or nanoseconds
}

}  // namespace
}  // namespace ion::base
