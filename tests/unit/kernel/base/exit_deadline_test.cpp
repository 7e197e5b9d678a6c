#include "base/exit_deadline.h"

#include "unit/kernel/base/support.h"

namespace ion::base {
namespace {

using test::Event;
using test::must;

TEST(exit_deadline, calls_when_the_time_is_over) {
  Event late;
  auto deadline = must(ExitDeadline::start([&] { late.happen(); }));
  deadline->arm({1});
  EXPECT_TRUE(late.wait(1));
}

TEST(exit_deadline, that_is_gone_before_calls_nobody) {
  bool called = false;
  auto deadline = must(ExitDeadline::start([&] { called = true; }));
  deadline->arm(seconds(3600));
  deadline.reset();
  EXPECT_FALSE(called);
}

TEST(exit_deadline, that_was_never_armed_ends) {
  bool called = false;
  must(ExitDeadline::start([&] { called = true; })).reset();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace ion::base
