#include "base/control_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace ion::base {
namespace {

TEST(ControlThread, runs_steps_in_order_on_one_thread_that_is_not_ours) {
  ControlThread control;
  std::vector<std::thread::id> ids;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(control.run([&] { ids.push_back(std::this_thread::get_id()); }, seconds(30)));
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_NE(ids[0], std::this_thread::get_id());
}

TEST(ControlThread, leaves_a_hanging_step_its_thread_and_takes_another) {
  const auto go_on = std::make_shared<std::latch>(1), ended = std::make_shared<std::latch>(1);
  ControlThread control;
  EXPECT_FALSE(control.run([=] { go_on->wait(), ended->count_down(); }, milliseconds(20)));
  const auto ran = std::make_shared<std::atomic<bool>>(false);
  while (!control.run([=] { *ran = true; }, milliseconds(20))) continue;  // a machine under load may need more than 20 ms for nothing
  EXPECT_TRUE(*ran);
  go_on->count_down();
  ended->wait();
}

}  // namespace
}  // namespace ion::base
