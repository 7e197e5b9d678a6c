// Firing and disarming race on purpose. The rule that must hold: each timer fires exactly once, or was disarmed, never both.
#include "base/asio_timers.h"
#include "base/shard_pool.h"
#include "base/system_clock.h"
#include "base/system_random.h"
#include "unit/kernel/base/support.h"

#include <atomic>
#include <vector>

namespace ion::base {
namespace {

using test::eventually;
using test::must;

struct Race;
// Its shard only, after it was given.
struct Racer {
  Race* race = nullptr;
  ShardId shard;
  TimerHandle handle = nullptr;
  int fired = 0, disarmed = 0;
};
struct Race {
  SystemClock clock;
  std::unique_ptr<ShardPool> pool = must(ShardPool::start({.shards = 2, .shard = {.tasks_max = 64, .spins = 0}, .blocking = {}}));
  std::unique_ptr<IoLoop> loop = must(IoLoop::start());
  AsioTimers timers{clock, *pool, *loop};
  std::atomic<uint64_t> ended{0};
};

void fire(void* ctx) noexcept {
  auto& racer = *static_cast<Racer*>(ctx);
  ++racer.fired;
  racer.race->ended.fetch_add(1);
}

void disarm(void* ctx) noexcept {
  auto& racer = *static_cast<Racer*>(ctx);
  if (!racer.race->timers.disarm(racer.handle)) return;
  ++racer.disarmed;
  racer.race->ended.fetch_add(1);
}

void give(Executor& to, Racer& racer, ion_fn fn) {
  while (!to.post(racer.shard, fn, &racer).ok()) std::this_thread::yield();
}

TEST(asio_timers_stress, each_timer_fires_once_or_was_disarmed_and_never_both) {
  constexpr size_t kThreads = 4, kRacers = 1000;
  Race race;
  std::vector<std::vector<Racer>> racers(kThreads, std::vector<Racer>(kRacers));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      SystemRandom random(t, "racers");
      for (Racer& racer : racers[t]) {
        racer.race = &race;
        racer.shard = {static_cast<uint32_t>(random.u64() % 2)};
        const Instant at = race.clock.now() + microseconds(static_cast<int64_t>(random.u64() % 400));
        racer.handle = must(race.timers.arm(racer.shard, at, &fire, &racer));
        if (random.u64() % 4 != 0) give(*race.pool, racer, &disarm);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return race.ended.load() == kThreads * kRacers; }));
  race.loop->stop();
  EXPECT_OK(race.pool->stop(seconds(60)));
  uint64_t fired = 0, disarmed = 0;
  for (const auto& mine : racers)
    for (const Racer& racer : mine) {
      ASSERT_EQ(racer.fired + racer.disarmed, 1);
      fired += static_cast<uint64_t>(racer.fired), disarmed += static_cast<uint64_t>(racer.disarmed);
    }
  EXPECT_GT(fired, 0u);
  EXPECT_GT(disarmed, 0u);
  EXPECT_EQ(race.timers.armed(), 0u);
}

TEST(asio_timers_stress, stopping_under_fire_touches_nothing_that_is_gone) {
  for (int round = 0; round < 6; ++round) {
    std::vector<Racer> racers(500);
    Race race;
    for (Racer& racer : racers) {
      racer.race = &race;
      racer.shard = {static_cast<uint32_t>(round % 2)};
      racer.handle = must(race.timers.arm(racer.shard, race.clock.now() + microseconds(100), &fire, &racer));
    }
    ASSERT_TRUE(eventually([&] { return race.ended.load() > 50; }));
    if (round % 2 == 0) race.loop->stop();
    EXPECT_OK(race.pool->stop(seconds(60)));
    race.loop->stop();
    for (const Racer& racer : racers) ASSERT_LE(racer.fired, 1);
  }
}

}  // namespace
}  // namespace ion::base
