#include "base/blocking_pool.h"

#include "base/thread_place.h"
#include "unit/kernel/base/support.h"

#include <atomic>
#include <deque>

namespace ion::base {
namespace {

using test::Event;
using test::Job;
using test::must;

struct BlockingPoolTest : ::testing::Test {
  Status post(BlockingPool& pool, std::function<void()> body) {
    return pool.post(&Job::call, &jobs.emplace_back(Job{std::move(body)}));
  }
  std::deque<Job> jobs;
};

TEST_F(BlockingPoolTest, jobs_run_on_threads_that_may_block) {
  auto pool = must(BlockingPool::start({}));
  Event done;
  EXPECT_OK(post(*pool, [&, caller = std::this_thread::get_id()] {
    EXPECT_NE(std::this_thread::get_id(), caller);
    EXPECT_EQ(current_place().word, ION_WORD_BLOCKING);
    done.happen();
  }));
  ASSERT_TRUE(done.wait());
}

TEST_F(BlockingPoolTest, as_many_jobs_as_threads_run_at_the_same_time_and_no_more) {
  auto pool = must(BlockingPool::start({.threads = 3, .jobs_max = 100}));
  std::atomic<int> inside{0}, most{0};
  Event arrived, release;
  for (int i = 0; i < 9; ++i)
    EXPECT_OK(post(*pool, [&] {
      const int now = ++inside;
      int seen = most.load();
      while (seen < now && !most.compare_exchange_weak(seen, now)) continue;
      arrived.happen();
      EXPECT_TRUE(release.wait());
      --inside;
    }));
  ASSERT_TRUE(arrived.wait(3));
  EXPECT_EQ(inside.load(), 3);
  release.happen();
  pool->close();
  EXPECT_OK(pool->drain(seconds(60)));
  EXPECT_EQ(arrived.times(), 9u);
  EXPECT_EQ(most.load(), 3);
}

TEST_F(BlockingPoolTest, a_full_pool_refuses_and_the_refused_job_never_runs) {
  auto pool = must(BlockingPool::start({.threads = 1, .jobs_max = 2}));
  Event release;
  EXPECT_OK(post(*pool, [&] { EXPECT_TRUE(release.wait()); }));
  EXPECT_OK(post(*pool, [] {}));
  bool ran = false;
  const Status refused = post(*pool, [&] { ran = true; });
  EXPECT_CODE(ION_E_OVERLOADED, refused);
  EXPECT_EQ(refused.message(), "the blocking pool: its queue of 2 jobs is full");
  release.happen();
  pool->close();
  EXPECT_OK(pool->drain(seconds(60)));
  EXPECT_FALSE(ran);
}

TEST_F(BlockingPoolTest, closed_it_ends_the_accepted_and_refuses_the_rest) {
  auto pool = must(BlockingPool::start({.threads = 2, .jobs_max = 100}));
  std::atomic<int> ran{0};
  Event release;
  for (int i = 0; i < 10; ++i)
    EXPECT_OK(post(*pool, [&] {
      EXPECT_TRUE(release.wait());
      ++ran;
    }));
  pool->close();
  EXPECT_CODE(ION_E_CLOSED, post(*pool, [&] { ran += 100; }));
  const Status late = pool->drain(nanoseconds(1));
  EXPECT_CODE(ION_E_DEADLINE, late);
  EXPECT_EQ(late.message(), "blocking pool: 10 jobs have not ended within 0 ms");
  release.happen();
  EXPECT_OK(pool->drain(seconds(60)));
  EXPECT_EQ(ran.load(), 10);
}

TEST_F(BlockingPoolTest, bounds_are_checked) {
  EXPECT_CODE(ION_E_INVALID, BlockingPool::start({.threads = 0, .jobs_max = 1}));
  EXPECT_CODE(ION_E_INVALID, BlockingPool::start({.threads = 100'000, .jobs_max = 1}));
  EXPECT_CODE(ION_E_INVALID, BlockingPool::start({.threads = 1, .jobs_max = 0}));
}

}  // namespace
}  // namespace ion::base
