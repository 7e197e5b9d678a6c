#include "base/asio_timers.h"

#include "base/shard_pool.h"
#include "base/system_clock.h"
#include "base/thread_place.h"
#include "unit/kernel/base/support.h"

#include <atomic>
#include <deque>
#include <optional>

namespace ion::base {
namespace {

using test::Event;
using test::eventually;
using test::Job;
using test::must;

constexpr Instant kNever{UINT64_MAX};
constexpr Instant kPast{1};

struct AsioTimersTest : ::testing::Test {
  ~AsioTimersTest() override { stop(); }
  void stop() {
    loop->stop();
    EXPECT_OK(pool->stop(seconds(60)));
  }
  Result<TimerHandle> arm(ShardId shard, Instant at, std::function<void()> body) {
    return timers.arm(shard, at, &Job::call, &jobs.emplace_back(Job{std::move(body)}));
  }
  // On that shard, and waits for it.
  void on(ShardId shard, std::function<void()> body) {
    Event done;
    ASSERT_TRUE(post(*pool, shard, [&] {
      body();
      done.happen();
    }).ok());
    ASSERT_TRUE(done.wait());
  }
  bool disarm_on(ShardId shard, TimerHandle timer) {
    bool answer = false;
    on(shard, [&] { answer = timers.disarm(timer); });
    return answer;
  }

  SystemClock clock;
  std::unique_ptr<ShardPool> pool = must(ShardPool::start({.shards = 2, .shard = {.tasks_max = 8, .spins = 0}, .blocking = {}}));
  std::unique_ptr<IoLoop> loop = must(IoLoop::start());
  AsioTimers timers{clock, *pool, *loop, 4};
  std::deque<Job> jobs;
};

TEST_F(AsioTimersTest, a_timer_fires_on_its_shard_and_not_before_its_instant) {
  const Instant at = clock.now() + milliseconds(3);
  Event fired;
  Instant when;
  uint32_t where = kNoShard;
  EXPECT_OK(arm(ShardId{1}, at, [&] {
    when = clock.now();
    where = current_place().shard;
    fired.happen();
  }));
  ASSERT_TRUE(fired.wait());
  EXPECT_GE(when, at);
  EXPECT_EQ(where, 1u);
  EXPECT_EQ(timers.armed(), 0u);
}

TEST_F(AsioTimersTest, an_instant_in_the_past_fires_at_once_on_the_shard) {
  Event fired;
  EXPECT_OK(arm(ShardId{0}, kPast, [&] {
    EXPECT_EQ(current_place().shard, 0u);
    fired.happen();
  }));
  ASSERT_TRUE(fired.wait());
}

TEST_F(AsioTimersTest, timers_fire_in_the_order_of_their_instants) {
  const Instant now = clock.now();
  std::vector<int> order;
  Event fired;
  const auto add = [&](int ms) {
    EXPECT_OK(arm(ShardId{0}, now + milliseconds(ms), [&, ms] {
      order.push_back(ms);
      fired.happen();
    }));
  };
  add(5), add(1), add(9), add(3);
  ASSERT_TRUE(fired.wait(4));
  EXPECT_EQ(order, (std::vector<int>{1, 3, 5, 9}));
}

TEST_F(AsioTimersTest, a_disarmed_timer_never_fires) {
  const Instant now = clock.now();
  bool fired = false;
  Event later;
  const TimerHandle first = must(arm(ShardId{0}, now + milliseconds(200), [&] { fired = true; }));
  EXPECT_OK(arm(ShardId{0}, now + milliseconds(201), [&] { later.happen(); }));
  EXPECT_TRUE(disarm_on(ShardId{0}, first));
  EXPECT_FALSE(disarm_on(ShardId{0}, first));
  ASSERT_TRUE(later.wait());
  EXPECT_FALSE(fired);
}

TEST_F(AsioTimersTest, a_timer_that_has_fired_cannot_be_disarmed_not_even_by_itself) {
  Event fired, armed;
  std::optional<TimerHandle> handle;
  bool from_inside = true;
  handle = must(arm(ShardId{0}, clock.now() + milliseconds(1), [&] {
    EXPECT_TRUE(armed.wait());
    from_inside = timers.disarm(*handle);
    fired.happen();
  }));
  armed.happen();
  ASSERT_TRUE(fired.wait());
  EXPECT_FALSE(from_inside);
  EXPECT_FALSE(disarm_on(ShardId{0}, *handle));
}

TEST_F(AsioTimersTest, a_timer_that_is_due_and_waits_behind_the_task_that_disarms_it_does_not_fire) {
  bool fired = false, answer = false;
  on(ShardId{0}, [&] {
    const TimerHandle handle = must(arm(ShardId{0}, kPast, [&] { fired = true; }));
    ASSERT_TRUE(eventually([&] { return pool->inside(ShardId{0}) == 2; }));  // this task, and the timer's
    answer = timers.disarm(handle);
    EXPECT_FALSE(timers.disarm(handle));
  });
  on(ShardId{0}, [] {});
  EXPECT_TRUE(answer);
  EXPECT_FALSE(fired);
}

TEST_F(AsioTimersTest, an_old_handle_does_not_touch_the_timer_that_took_its_place) {
  const TimerHandle old = must(arm(ShardId{0}, kNever, [] {}));
  EXPECT_TRUE(disarm_on(ShardId{0}, old));
  const TimerHandle young = must(arm(ShardId{0}, kNever, [] {}));
  EXPECT_NE(old, young);
  EXPECT_FALSE(disarm_on(ShardId{0}, old));
  EXPECT_TRUE(disarm_on(ShardId{0}, young));
  EXPECT_FALSE(disarm_on(ShardId{0}, nullptr));
}

TEST_F(AsioTimersTest, a_firing_timer_may_arm_the_next_one) {
  Event fired;
  int times = 0;
  const std::function<void()> again = [&] {
    if (++times == 5) return fired.happen();
    EXPECT_OK(arm(ShardId{1}, clock.now(), again));
  };
  EXPECT_OK(arm(ShardId{1}, clock.now(), again));
  ASSERT_TRUE(fired.wait());
}

TEST_F(AsioTimersTest, one_more_than_the_bound_is_refused_until_one_ends) {
  std::vector<TimerHandle> handles;
  for (int i = 0; i < 4; ++i) handles.push_back(must(arm(ShardId{0}, kNever, [] {})));
  const auto refused = arm(ShardId{0}, kNever, [] {});
  EXPECT_CODE(ION_E_OVERLOADED, refused);
  EXPECT_EQ(refused.error().message(), "timer: 4 are armed, and no more is allowed");
  EXPECT_TRUE(disarm_on(ShardId{0}, handles[2]));
  EXPECT_OK(arm(ShardId{0}, kNever, [] {}));
}

TEST_F(AsioTimersTest, a_full_shard_delays_a_timer_and_never_loses_it) {
  Event release, inside, fired;
  ASSERT_TRUE(post(*pool, ShardId{0}, [&] {
    inside.happen();
    EXPECT_TRUE(release.wait());
  }).ok());
  ASSERT_TRUE(inside.wait());
  while (post(*pool, ShardId{0}, [] {}).ok()) continue;
  EXPECT_OK(arm(ShardId{0}, kPast, [&] { fired.happen(); }));
  EXPECT_OK(arm(ShardId{1}, clock.now() + milliseconds(5), [&] { release.happen(); }));  // after some tries in vain
  ASSERT_TRUE(fired.wait());
}

TEST_F(AsioTimersTest, a_timer_of_a_stopped_shard_ends_without_firing) {
  bool fired = false;
  EXPECT_OK(pool->stop(seconds(60)));
  const TimerHandle handle = must(arm(ShardId{0}, kPast, [&] { fired = true; }));
  ASSERT_TRUE(eventually([&] { return timers.armed() == 0; }));
  loop->stop();
  EXPECT_FALSE(timers.disarm(handle));
  EXPECT_FALSE(fired);
}

TEST_F(AsioTimersTest, a_wrong_shard_and_a_stopped_loop_are_refused) {
  EXPECT_CODE(ION_E_INVALID, arm(ShardId{2}, kNever, [] {}));
  loop->stop();
  EXPECT_CODE(ION_E_CLOSED, arm(ShardId{0}, kNever, [] {}));
}

}  // namespace
}  // namespace ion::base
