#include "stop_order.h"

#include "support/recording_log.h"

#include <gtest/gtest.h>

namespace ion {
namespace {

struct StopOrderTest : testing::Test {
  void push(const std::string& what, Status answer = {}) {
    order.push(what, [this, what, answer] { return ran += what, answer; });
  }
  test::RecordingLog log;
  StopOrder order;
  std::string ran;
};

TEST_F(StopOrderTest, the_newest_stops_first) {
  push("a"), push("b"), push("c");
  EXPECT_TRUE(order.run(log).ok());
  EXPECT_EQ(ran, "cba");
}

TEST_F(StopOrderTest, a_failure_is_told_and_the_others_stop_all_the_same) {
  push("a", Status(ION_E_IO, "second")), push("b"), push("c", Status(ION_E_DEADLINE, "first"));
  EXPECT_EQ(order.run(log).message(), "first");
  EXPECT_EQ(ran, "cba");
  EXPECT_EQ(log.count("ERROR could not stop in order"), 2U);
}

TEST_F(StopOrderTest, nothing_stops_twice) {
  push("a");
  (void)order.run(log);
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(order.run(log).ok());
  EXPECT_EQ(ran, "a");
}

}  // namespace
}  // namespace ion
