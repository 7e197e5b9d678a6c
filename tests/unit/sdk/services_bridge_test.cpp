#include <gtest/gtest.h>
#include <ion/bridge/services_bridge.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace ion {
namespace {

// Keeps what was posted until run_all.
struct FakeExecutor final : Executor {
  struct Job {
    uint32_t shard;
    ion_fn fn;
    void* ctx;
  };
  std::vector<Job> jobs;
  size_t room = 4;
  bool throwing = false;
  uint32_t shards() const override { return 3; }
  Status keep(uint32_t shard, ion_fn fn, void* ctx) {
    if (throwing) throw std::runtime_error("the executor threw");
    if (jobs.size() == room) return {ION_E_OVERLOADED, "the queue is full"};
    jobs.push_back({shard, fn, ctx});
    return {};
  }
  Status post(ShardId shard, ion_fn fn, void* ctx) override { return keep(shard.v, fn, ctx); }
  Status run(ShardId, ion_fn fn, void* ctx) override { return fn(ctx), Status(); }
  Status post_blocking(ion_fn fn, void* ctx) override { return keep(99, fn, ctx); }
};
void count_up(void* ctx) noexcept { ++*static_cast<int*>(ctx); }

struct ExecutorThereAndBack {
  FakeExecutor port;
  ion_executors table = export_executors(port, {2});
  ImportedExecutor executor{ion_ref{&table, &port}};
};

TEST(ServicesBridge, work_reaches_the_shard_it_was_posted_to) {
  ExecutorThereAndBack there;
  EXPECT_EQ(there.executor.shards(), 3u);
  EXPECT_EQ(there.executor.home(), ShardId{2});
  int ran = 0;
  EXPECT_TRUE(there.executor.post({1}, &count_up, &ran).ok());
  EXPECT_TRUE(there.executor.post_blocking(&count_up, &ran).ok());
  EXPECT_EQ(ran, 0);
  EXPECT_TRUE(there.executor.run({0}, &count_up, &ran).ok());
  EXPECT_EQ(ran, 1);
  ASSERT_EQ(there.port.jobs.size(), 2u);
  EXPECT_EQ(there.port.jobs[0].shard, 1u);
  EXPECT_EQ(there.port.jobs[1].shard, 99u);
  for (const auto& job : there.port.jobs) job.fn(job.ctx);
  EXPECT_EQ(ran, 3);
}

TEST(ServicesBridge, a_full_queue_refuses_and_the_callable_is_destroyed) {
  ExecutorThereAndBack there;
  there.port.room = 0;
  const auto alive = std::make_shared<int>(1);
  EXPECT_EQ(post(there.executor, {1}, [alive] {}).code(), ION_E_OVERLOADED);
  EXPECT_EQ(alive.use_count(), 1);
  there.port.throwing = true;
  EXPECT_EQ(there.executor.post({1}, &count_up, nullptr).code(), ION_E_EXCEPTION);
}

TEST(ServicesBridge, an_executor_with_fewer_members_names_what_is_missing) {
  ExecutorThereAndBack there;
  there.table.size = offsetof(ion_executors, run);
  EXPECT_EQ(there.executor.run({1}, &count_up, nullptr).message(), "ion.executors/1 has no member run here");
  there.table.size = offsetof(ion_executors, post);
  EXPECT_EQ(there.executor.post({1}, &count_up, nullptr).message(), "ion.executors/1 has no member post here");
  EXPECT_EQ(there.executor.post_blocking(&count_up, nullptr).message(), "ion.executors/1 has no member post_blocking here");
  ImportedExecutor nobody(ion_ref{nullptr, nullptr});
  EXPECT_EQ(nobody.shards(), 0u);
  EXPECT_EQ(nobody.post({1}, &count_up, nullptr).code(), ION_E_UNSUPPORTED);
}

struct FakeTimers final : Timers {
  uint32_t shard = 0;
  Instant at;
  int armed = 0;
  bool full = false;
  Result<TimerHandle> arm(ShardId on, Instant when, ion_fn, void*) override {
    if (full) return Status(ION_E_OVERLOADED, "too many timers");
    shard = on.v, at = when, ++armed;
    return TimerHandle{&armed};
  }
  bool disarm(TimerHandle timer) override { return timer == &armed && armed-- > 0; }
};

TEST(ServicesBridge, timers_are_armed_and_disarmed) {
  FakeTimers port;
  ion_timers table = export_timers;
  ImportedTimers timers(ion_ref{&table, &port});
  const Result<TimerHandle> timer = timers.arm({2}, {500}, &count_up, nullptr);
  ASSERT_TRUE(timer.has_value());
  EXPECT_EQ(port.shard, 2u);
  EXPECT_EQ(port.at, Instant{500});
  EXPECT_TRUE(timers.disarm(*timer));
  EXPECT_FALSE(timers.disarm(*timer));
  port.full = true;
  EXPECT_EQ(timers.arm({2}, {500}, &count_up, nullptr).error().code(), ION_E_OVERLOADED);
  table.size = offsetof(ion_timers, arm);
  EXPECT_EQ(timers.arm({2}, {500}, &count_up, nullptr).error().message(), "ion.timers/1 has no member arm here");
  EXPECT_FALSE(timers.disarm(*timer));
}

struct FakeRandom final : Random {
  uint64_t next = 40;
  uint64_t u64() override { return ++next; }
  Status secret(void* to, uint64_t n) override {
    if (n > 64) throw std::runtime_error("too much");
    std::memset(to, 0xab, n);
    return {};
  }
};

TEST(ServicesBridge, random_numbers_and_secrets_cross) {
  FakeRandom port;
  ion_random table = export_random;
  ImportedRandom random(ion_ref{&table, &port});
  EXPECT_EQ(random.u64(), 41u);
  EXPECT_EQ(random.u64(), 42u);
  uint8_t key[4] = {};
  EXPECT_TRUE(random.secret(key, sizeof key).ok());
  EXPECT_EQ(key[3], 0xab);
  EXPECT_EQ(random.secret(key, 65).code(), ION_E_EXCEPTION);
  table.size = offsetof(ion_random, secret);
  EXPECT_EQ(random.secret(key, 4).message(), "ion.random/1 has no member secret here");
}

TEST(ServicesBridgeDeathTest, a_random_service_without_numbers_is_not_taken) {
  EXPECT_DEATH(ImportedRandom(ion_ref{nullptr, nullptr}), "assertion failed");
}

TEST(ServicesBridge, host_buffers_are_lent_and_come_back) {
  ImportedBuffers buffers(ion_ref{&export_buffers, nullptr});
  uint8_t* to = nullptr;
  Result<Buf> made = buffers.allocate(3, &to);
  ASSERT_TRUE(made.has_value());
  std::memcpy(to, "abc", 3);
  const Buf other = made->clone();
  made->reset();
  EXPECT_EQ(other.text(), "abc");  // asan says whether the last reference freed it
  EXPECT_EQ(ImportedBuffers(ion_ref{nullptr, nullptr}).allocate(1, &to).error().code(), ION_E_UNSUPPORTED);
}

}  // namespace
}  // namespace ion
