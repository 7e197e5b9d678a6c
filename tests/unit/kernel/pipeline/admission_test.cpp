#include "pipeline/admission.h"

#include <gtest/gtest.h>

namespace ion::pipeline {
namespace {

TEST(Admission, what_does_not_fit_is_overloaded_and_counts_nothing) {
  Admission door(100);
  ASSERT_TRUE(door.enter(60).ok());
  const Status full = door.enter(50);
  EXPECT_EQ(full.code(), ION_E_OVERLOADED);
  EXPECT_EQ(full.reason(), "QUOTA_EXCEEDED");
  EXPECT_EQ(door.bytes(), 60u);
  ASSERT_TRUE(door.enter(40).ok());
  door.leave(100);
  EXPECT_EQ(door.bytes(), 0u);
}

TEST(Admission, one_request_larger_than_the_bound_is_let_in_alone) {
  Admission door(100);
  ASSERT_TRUE(door.enter(1000).ok());
  EXPECT_FALSE(door.enter(1).ok());
}

}  // namespace
}  // namespace ion::pipeline
