// Many threads against one shard. What they check needs no clock: order per producer, no overlap, each accepted task once.
#include "base/shard.h"
#include "unit/kernel/base/support.h"

#include <array>
#include <memory>
#include <vector>

namespace ion::base {
namespace {

using test::Event;
using test::must;

constexpr uint32_t kProducers = 6;

// State of a shard: plain members on purpose, so that a thread sanitizer sees any overlap that the check itself misses.
struct Ledger {
  std::array<uint32_t, kProducers> next{};
  uint64_t ran = 0;
  bool inside = false;
  uint32_t overlaps = 0, disorders = 0;
};
struct Numbered {
  Ledger* ledger = nullptr;
  uint32_t producer = 0, number = 0, times = 0;

  static void call(void* ctx) noexcept {
    auto& task = *static_cast<Numbered*>(ctx);
    Ledger& ledger = *task.ledger;
    ledger.overlaps += ledger.inside;
    ledger.inside = true;
    ledger.disorders += task.number < ledger.next[task.producer];
    ledger.next[task.producer] = task.number + 1;
    ++task.times, ++ledger.ran;
    ledger.inside = false;
  }
};

// Producers give `tasks` each by `give(task)`; a full queue is tried again.
template <class Give>
void produce(Ledger& ledger, std::vector<std::vector<Numbered>>& tasks, uint32_t count, Give give) {
  tasks.assign(kProducers, std::vector<Numbered>(count));
  std::vector<std::thread> threads;
  for (uint32_t p = 0; p < kProducers; ++p)
    threads.emplace_back([&, p] {
      for (uint32_t i = 0; i < count; ++i) {
        Numbered& task = tasks[p][i];
        task.ledger = &ledger, task.producer = p, task.number = i;
        for (Status status = give(task); !status.ok(); status = give(task)) {
          ASSERT_EQ(status.code(), ION_E_OVERLOADED);
          std::this_thread::yield();
        }
      }
    });
  for (auto& thread : threads) thread.join();
}

class ShardStress : public ::testing::TestWithParam<ShardOptions> {
 protected:
  // With space for two every task waits for a switch of threads: on a machine that is busy otherwise, a few thousand are enough.
  static uint32_t tasks_of_each() { return GetParam().tasks_max <= 2 ? 1'000 : 20'000; }

  template <class Give>
  void check(Give give) {
    const uint32_t count = tasks_of_each();
    auto shard = must(Shard::start(ShardId{0}, GetParam()));
    Ledger ledger;
    std::vector<std::vector<Numbered>> tasks;
    produce(ledger, tasks, count, [&](Numbered& task) { return give(*shard, task); });
    shard->close();
    ASSERT_TRUE(shard->drain(seconds(60)).ok());
    EXPECT_EQ(ledger.ran, uint64_t{kProducers} * count);
    EXPECT_EQ(ledger.overlaps, 0u);
    EXPECT_EQ(ledger.disorders, 0u);
    for (const auto& mine : tasks)
      for (const Numbered& task : mine) ASSERT_EQ(task.times, 1u);
  }
};

TEST_P(ShardStress, posts_of_many_threads_run_once_in_order_and_never_overlap) {
  check([](Shard& shard, Numbered& task) { return shard.post(&Numbered::call, &task); });
}

TEST_P(ShardStress, runs_of_many_threads_run_once_in_order_and_never_overlap) {
  check([](Shard& shard, Numbered& task) { return shard.run(&Numbered::call, &task); });
}

TEST_P(ShardStress, posts_and_runs_of_the_same_thread_stay_in_order) {
  check([](Shard& shard, Numbered& task) {
    return task.number % 3 == 0 ? shard.run(&Numbered::call, &task) : shard.post(&Numbered::call, &task);
  });
}

INSTANTIATE_TEST_SUITE_P(queues, ShardStress,
                         ::testing::Values(ShardOptions{.tasks_max = 2, .spins = 0}, ShardOptions{.tasks_max = 64, .spins = 0},
                                           ShardOptions{.tasks_max = 4096, .spins = 2000}),
                         [](const auto& named) {
                           return "of_" + std::to_string(named.param.tasks_max) + "_spinning_" + std::to_string(named.param.spins);
                         });

TEST(shard_stress, a_shard_that_falls_asleep_after_each_task_is_woken_for_the_next) {
  auto shard = must(Shard::start(ShardId{0}, {}));
  Event done;
  for (uint64_t i = 1; i <= 5'000; ++i) {
    ASSERT_TRUE(shard->post([](void* ctx) noexcept { static_cast<Event*>(ctx)->happen(); }, &done).ok());
    ASSERT_TRUE(done.wait(i)) << "the wake-up of task " << i << " was lost";
  }
}

TEST(shard_stress, closing_under_fire_runs_each_accepted_task_once_and_no_refused_one) {
  for (int round = 0; round < 20; ++round) {
    auto shard = must(Shard::start(ShardId{0}, {.tasks_max = 32, .spins = 0}));
    Ledger ledger;
    std::array<std::vector<std::unique_ptr<Numbered>>, kProducers> accepted, refused;
    std::vector<std::thread> threads;
    std::atomic<uint32_t> given{0};
    for (uint32_t p = 0; p < kProducers; ++p)
      threads.emplace_back([&, p] {
        for (uint32_t i = 0;; ++i) {
          auto task = std::make_unique<Numbered>(Numbered{&ledger, p, i, 0});
          const Status status = i % 2 == 0 ? shard->run(&Numbered::call, task.get()) : shard->post(&Numbered::call, task.get());
          given.fetch_add(1, std::memory_order_relaxed);
          (status.ok() ? accepted : refused)[p].push_back(std::move(task));
          if (status.code() == ION_E_CLOSED) return;
        }
      });
    ASSERT_TRUE(test::eventually([&] { return given.load(std::memory_order_relaxed) > 1000; }));
    shard->close();
    ASSERT_TRUE(shard->drain(seconds(60)).ok());
    for (auto& thread : threads) thread.join();
    uint64_t count = 0;
    for (const auto& mine : accepted) {
      count += mine.size();
      for (const auto& task : mine) ASSERT_EQ(task->times, 1u);
    }
    for (const auto& mine : refused)
      for (const auto& task : mine) ASSERT_EQ(task->times, 0u);
    EXPECT_EQ(ledger.ran, count);
    EXPECT_EQ(ledger.overlaps, 0u);
    EXPECT_EQ(ledger.disorders, 0u);
  }
}

TEST(shard_stress, shards_that_run_and_post_into_each_other_lose_nothing) {
  struct Hopper {
    std::array<Shard*, 3> shards{};
    std::atomic<uint64_t> hops{0};
    uint64_t hops_max = 0;
    Event finished;
    static void hop(void* ctx) noexcept {
      auto& self = *static_cast<Hopper*>(ctx);
      const uint64_t n = self.hops.fetch_add(1);
      if (n >= self.hops_max) return self.finished.happen();
      Shard& to = *self.shards[n * 7 % 3];
      const Status status = n % 2 == 0 ? to.run(&Hopper::hop, ctx) : to.post(&Hopper::hop, ctx);
      ION_ASSERT(status.ok());
    }
  };
  std::vector<std::unique_ptr<Shard>> shards;
  Hopper hopper;
  hopper.hops_max = 20'000;
  for (uint32_t i = 0; i < 3; ++i) hopper.shards[i] = shards.emplace_back(must(Shard::start(ShardId{i}, {}))).get();
  constexpr uint64_t kChains = 4;
  for (uint64_t i = 0; i < kChains; ++i) ASSERT_TRUE(shards[i % 3]->run(&Hopper::hop, &hopper).ok());
  EXPECT_TRUE(hopper.finished.wait(kChains));
  EXPECT_EQ(hopper.hops.load(), hopper.hops_max + kChains);
}

}  // namespace
}  // namespace ion::base
