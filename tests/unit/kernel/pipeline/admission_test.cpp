#include "pipeline/admission.h"

#include <gtest/gtest.h>

namespace ion::pipeline {
namespace {

TEST(Admission, what_does_not_fit_is_overloaded_and_counts_nothing) {
  Admission admission(100);
  ASSERT_TRUE(admission.enter(60).ok());
  const Status full = admission.enter(50);
  EXPECT_EQ(full.code(), ION_E_OVERLOADED);
  EXPECT_EQ(full.reason(), "QUOTA_EXCEEDED");
  EXPECT_EQ(admission.bytes(), 60u);
  ASSERT_TRUE(admission.enter(40).ok());
  admission.leave(100);
  EXPECT_EQ(admission.bytes(), 0u);
}

TEST(Admission, one_request_larger_than_the_bound_is_let_in_alone) {
  Admission admission(100);
  ASSERT_TRUE(admission.enter(1000).ok());
  EXPECT_FALSE(admission.enter(1).ok());
}

TEST(Admission, a_request_that_grows_is_let_in_whole_when_it_is_alone) {
  Admission admission(100);
  {
    ASSERT_TRUE(admission.enter(60).ok());
    Admitted alone(admission, 60);
    EXPECT_TRUE(alone.grow(1000).ok());
    EXPECT_TRUE(alone.grow(1000).ok());
    EXPECT_FALSE(admission.enter(1).ok());
  }
  EXPECT_EQ(admission.bytes(), 0u);
  ASSERT_TRUE(admission.enter(60).ok());
  Admitted one(admission, 60);
  ASSERT_TRUE(admission.enter(30).ok());
  Admitted other(admission, 30);
  EXPECT_FALSE(one.grow(20).ok()) << "beside another it has no more than the bound";
  EXPECT_TRUE(one.grow(10).ok());
}

}  // namespace
}  // namespace ion::pipeline
