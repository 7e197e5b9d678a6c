#include "base/task_gate.h"

#include "unit/kernel/base/support.h"

namespace ion::base {
namespace {

using Entry = TaskGate::Entry;

TEST(task_gate, the_first_one_in_owns_and_the_next_stands_behind) {
  TaskGate gate(3);
  EXPECT_EQ(gate.enter(), Entry::kOwner);
  EXPECT_EQ(gate.enter(), Entry::kBehindOthers);
  EXPECT_TRUE(gate.leave());
  EXPECT_FALSE(gate.leave());
  EXPECT_EQ(gate.enter(), Entry::kOwner);
}

TEST(task_gate, it_is_full_at_its_bound_and_fits_after_one_left) {
  TaskGate gate(2);
  EXPECT_EQ(gate.enter(), Entry::kOwner);
  EXPECT_EQ(gate.enter(), Entry::kBehindOthers);
  EXPECT_EQ(gate.enter(), Entry::kFull);
  EXPECT_EQ(gate.inside(), 2u);
  EXPECT_TRUE(gate.leave());
  EXPECT_EQ(gate.enter(), Entry::kBehindOthers);
}

TEST(task_gate, enter_idle_succeeds_only_when_nothing_is_inside) {
  TaskGate gate(4);
  EXPECT_TRUE(gate.enter_idle());
  EXPECT_FALSE(gate.enter_idle());
  EXPECT_EQ(gate.enter(), Entry::kBehindOthers);
  EXPECT_TRUE(gate.leave());
  EXPECT_FALSE(gate.enter_idle());
  EXPECT_FALSE(gate.leave());
  EXPECT_TRUE(gate.enter_idle());
}

TEST(task_gate, closed_it_lets_nobody_in_and_tells_when_the_last_one_left) {
  TaskGate gate(4);
  EXPECT_EQ(gate.enter(), Entry::kOwner);
  gate.close();
  EXPECT_EQ(gate.enter(), Entry::kClosed);
  EXPECT_FALSE(gate.enter_idle());
  EXPECT_FALSE(gate.wait_idle(nanoseconds(0)));
  EXPECT_FALSE(gate.leave());
  EXPECT_TRUE(gate.wait_idle(nanoseconds(0)));
  EXPECT_FALSE(gate.enter_idle());
}

TEST(task_gate, closing_an_empty_gate_again_and_again_is_idle) {
  TaskGate gate(4);
  gate.close();
  gate.close();
  EXPECT_TRUE(gate.wait_idle(nanoseconds(0)));
  gate.wait_idle();
}

}  // namespace
}  // namespace ion::base
