#include "base/shard_pool.h"

#include "base/thread_place.h"
#include "unit/kernel/base/support.h"

#include <array>
#include <atomic>
#include <memory>
#include <vector>

namespace ion::base {
namespace {

using test::Event;
using test::must;

std::unique_ptr<ShardPool> start(uint32_t shards, uint32_t threads = 2) {
  return must(ShardPool::start({.shards = shards, .shard = {}, .blocking = {.threads = threads, .jobs_max = 100}}));
}

TEST(shard_pool, a_task_runs_on_the_shard_it_was_posted_to) {
  auto pool = start(3);
  EXPECT_EQ(pool->shards(), 3u);
  std::array<uint32_t, 3> seen{kNoShard, kNoShard, kNoShard};
  Event done;
  for (uint32_t i = 0; i < 3; ++i)
    EXPECT_OK(post(*pool, ShardId{i}, [&, i] {
      seen[i] = current_place().shard;
      done.happen();
    }));
  ASSERT_TRUE(done.wait(3));
  EXPECT_EQ(seen, (std::array<uint32_t, 3>{0, 1, 2}));
}

TEST(shard_pool, run_works_here_when_the_shard_is_idle) {
  auto pool = start(2);
  std::thread::id seen;
  EXPECT_OK(run(*pool, ShardId{1}, [&] { seen = std::this_thread::get_id(); }));
  EXPECT_EQ(seen, std::this_thread::get_id());
}

TEST(shard_pool, a_shard_that_does_not_exist_is_refused) {
  auto pool = start(2);
  const Status refused = post(*pool, ShardId{2}, [] {});
  EXPECT_CODE(ION_E_INVALID, refused);
  EXPECT_EQ(refused.message(), "executor: wanted a shard below 2, found 2");
  EXPECT_CODE(ION_E_INVALID, run(*pool, ShardId{UINT32_MAX}, [] {}));
  EXPECT_CODE(ION_E_INVALID, ShardPool::start({.shards = 0, .shard = {}, .blocking = {}}));
  EXPECT_CODE(ION_E_INVALID, ShardPool::start({.shards = 100'000, .shard = {}, .blocking = {}}));
  EXPECT_CODE(ION_E_INVALID, ShardPool::start({.shards = 2, .shard = {}, .blocking = {.threads = 0, .jobs_max = 1}}));
}

TEST(shard_pool, stop_ends_blocking_jobs_first_and_what_they_report_still_arrives) {
  auto pool = start(1);
  Event release;
  bool reported = false;
  Status in_vain;
  EXPECT_OK(post_blocking(*pool, [&] {
    EXPECT_TRUE(release.wait());
    EXPECT_OK(post(*pool, ShardId{0}, [&] {
      reported = true;
      in_vain = post_blocking(*pool, [] {});
    }));
  }));
  EXPECT_CODE(ION_E_DEADLINE, pool->stop(nanoseconds(1)));
  EXPECT_CODE(ION_E_CLOSED, post_blocking(*pool, [] {}));
  release.happen();
  EXPECT_OK(pool->stop(seconds(60)));
  EXPECT_TRUE(reported);
  EXPECT_CODE(ION_E_CLOSED, in_vain);
}

TEST(shard_pool, after_stop_everything_is_refused_and_stop_may_be_asked_again) {
  auto pool = start(2);
  EXPECT_OK(pool->stop(seconds(60)));
  EXPECT_OK(pool->stop(seconds(60)));
  bool ran = false;
  EXPECT_CODE(ION_E_CLOSED, post(*pool, ShardId{0}, [&] { ran = true; }));
  EXPECT_CODE(ION_E_CLOSED, run(*pool, ShardId{1}, [&] { ran = true; }));
  EXPECT_CODE(ION_E_CLOSED, post_blocking(*pool, [&] { ran = true; }));
  EXPECT_FALSE(ran);
}

TEST(shard_pool, a_refused_callable_is_destroyed_and_with_it_what_it_owns) {
  auto pool = start(1);
  EXPECT_OK(pool->stop(seconds(60)));
  auto owned = std::make_shared<int>(1);
  EXPECT_CODE(ION_E_CLOSED, post(*pool, ShardId{0}, [owned] {}));
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(shard_pool, shards_and_jobs_that_post_to_each_other_until_the_end_lose_nothing) {
  struct Chain {
    Executor* executor = nullptr;
    std::atomic<int> accepted{0}, ran{0};
    void step(int n) {
      ++ran;
      const auto next = [this, n] { step(n + 1); };
      const Status status = n % 3 == 0   ? post_blocking(*executor, next)
                            : n % 3 == 1 ? ion::post(*executor, ShardId{static_cast<uint32_t>(n % 2)}, next)
                                         : ion::run(*executor, ShardId{static_cast<uint32_t>(n % 2)}, next);
      if (status.ok()) ++accepted;
    }
  };
  for (int round = 0; round < 5; ++round) {
    Chain chain;
    {
      auto pool = start(2);
      chain.executor = pool.get();
      for (int i = 0; i < 8; ++i)
        if (post(*pool, ShardId{0}, [&chain, i] { chain.step(i); }).ok()) ++chain.accepted;
      ASSERT_TRUE(test::eventually([&] { return chain.ran.load() > 1000; }));
    }  // the destructor stops
    EXPECT_EQ(chain.ran.load(), chain.accepted.load());
  }
}

}  // namespace
}  // namespace ion::base
