#include <ion/limited_jobs.h>

#include "support/fake_executor.h"

#include <gtest/gtest.h>

#include <vector>

namespace ion {
namespace {

class LimitedJobsTest : public ::testing::Test {
 protected:
  ~LimitedJobsTest() override { executor.run_all(); }
  std::function<void()> job(int number) {
    return [this, number] { ran.push_back(number); };
  }
  test::FakeExecutor executor;
  std::vector<int> ran;
};

TEST_F(LimitedJobsTest, take_so_many_threads_of_the_pool_and_no_more) {
  LimitedJobs jobs(executor, {2, 10});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(jobs.post(job(i)).ok());
  EXPECT_EQ(executor.waiting(), 2u);
  EXPECT_TRUE(ran.empty()) << "nothing runs where it was posted";
  executor.run_all();
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3, 4}));
  ASSERT_TRUE(jobs.post(job(5)).ok());
  EXPECT_EQ(executor.waiting(), 1u) << "and take one again when there is work again";
}

TEST_F(LimitedJobsTest, refuse_what_would_make_the_line_longer_than_its_bound) {
  LimitedJobs jobs(executor, {1, 2});
  ASSERT_TRUE(jobs.post(job(0)).ok() && jobs.post(job(1)).ok());
  EXPECT_EQ(jobs.post(job(2)).code(), ION_E_OVERLOADED);
  executor.run_all();
  EXPECT_EQ(ran, (std::vector<int>{0, 1}));
}

TEST_F(LimitedJobsTest, a_job_that_the_pool_refuses_never_runs_unless_another_comes_to_it) {
  LimitedJobs jobs(executor, {2, 10});
  executor.set_limit(0);
  EXPECT_EQ(jobs.post(job(0)).code(), ION_E_OVERLOADED);
  executor.set_limit(1);
  EXPECT_TRUE(jobs.post(job(1)).ok());
  EXPECT_TRUE(jobs.post(job(2)).ok()) << "the pool is full, and the first thread does it behind its own";
  executor.run_all();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST_F(LimitedJobsTest, jobs_run_although_what_posted_them_has_gone) {
  {
    LimitedJobs jobs(executor, {1, 10});
    ASSERT_TRUE(jobs.post(job(0)).ok() && jobs.post(job(1)).ok());
  }
  executor.run_all();
  EXPECT_EQ(ran, (std::vector<int>{0, 1}));
}

}  // namespace
}  // namespace ion
