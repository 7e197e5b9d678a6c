#include "stop_order.h"

#include "support/fake_clock.h"
#include "support/recording_log.h"

#include <gtest/gtest.h>

namespace ion {
namespace {

struct StopOrderTest : testing::Test {
  void push(const std::string& what, Status answer = {}) {
    order.push(what, [this, what, answer](Nanos) { return ran += what, answer; });
  }
  test::RecordingLog log;
  test::FakeClock clock;
  StopOrder order;
  std::string ran;
};

TEST_F(StopOrderTest, the_newest_stops_first) {
  push("a"), push("b"), push("c");
  EXPECT_TRUE(order.run(log, clock, seconds(30)).ok());
  EXPECT_EQ(ran, "cba");
}

TEST_F(StopOrderTest, a_failure_is_told_and_the_others_stop_all_the_same) {
  push("a", Status(ION_E_IO, "second")), push("b"), push("c", Status(ION_E_DEADLINE, "first"));
  EXPECT_EQ(order.run(log, clock, seconds(30)).message(), "first");
  EXPECT_EQ(ran, "cba");
  EXPECT_EQ(log.count("ERROR could not stop in order"), 2U);
}

TEST_F(StopOrderTest, nothing_stops_twice) {
  push("a");
  (void)order.run(log, clock, seconds(30));
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(order.run(log, clock, seconds(30)).ok());
  EXPECT_EQ(ran, "a");
}

TEST_F(StopOrderTest, all_share_one_limit_and_hear_what_is_left_of_it) {
  std::string left;
  const auto takes = [&](Nanos time) {
    return [&, time](Nanos may) { return left += " " + std::to_string(may.n / 1'000'000'000), clock.advance(time), Status(); };
  };
  order.push("c", takes(seconds(1))), order.push("b", takes(seconds(20))), order.push("a", takes(seconds(4)));
  EXPECT_TRUE(order.run(log, clock, seconds(30)).ok());
  EXPECT_EQ(left, " 30 26 6");
}

TEST_F(StopOrderTest, what_no_time_is_left_for_is_not_begun_and_named) {
  push("lock of the directory");
  order.push("a", [&](Nanos may) { return clock.advance(may), Status(ION_E_DEADLINE, "a hangs"); });
  EXPECT_EQ(order.run(log, clock, seconds(30)).message(), "a hangs");
  EXPECT_EQ(ran, "");
  EXPECT_EQ(log.count("ERROR could not stop in order"), 2U);
  EXPECT_EQ(log.count("in order what=lock of the directory"), 1U) << log.text();
}

}  // namespace
}  // namespace ion
