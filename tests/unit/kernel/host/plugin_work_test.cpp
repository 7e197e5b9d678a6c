#include "host/plugin_work.h"

#include "host_fixture.h"

#include <latch>
#include <thread>

namespace ion::host {
namespace {

// Every post is a thread of its own: the worst that an executor may do.
class ThreadPerPost final : public Executor {
 public:
  ~ThreadPerPost() override { join(); }
  uint32_t shards() const override { return 1; }
  Status post(ShardId, ion_fn fn, void* ctx) override {
    threads_.emplace_back([=] { fn(ctx); });
    return {};
  }
  Status run(ShardId, ion_fn fn, void* ctx) override { return fn(ctx), Status(); }
  Status post_blocking(ion_fn, void*) override { return {ION_E_OVERLOADED, "no space"}; }
  void join() {
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }

 private:
  std::vector<std::thread> threads_;
};

struct PluginWorkTest : testing::Test {
  TestClock clock;
  TestWork fake{clock};
  TestLog log;
  TestWorld world{clock, fake, log};
  ThreadPerPost threads;
};

TEST_F(PluginWorkTest, close_waits_for_what_runs) {
  PluginWork work(threads, fake);
  std::latch running(1), go_on(1);
  ASSERT_TRUE(ion::post(work, ShardId{0}, [&] { running.count_down(), go_on.wait(); }).ok());
  running.wait();
  EXPECT_FALSE(work.close(world, milliseconds(1)));
  go_on.count_down();
  EXPECT_TRUE(work.close(world, seconds(30)));
  threads.join();
}

TEST_F(PluginWorkTest, nothing_runs_after_close_however_the_threads_fall) {
  for (int round = 0; round < 50; ++round) {
    PluginWork work(threads, fake);
    auto alive = std::make_unique<std::atomic<int>>(0);
    for (int i = 0; i < 4; ++i)
      ASSERT_TRUE(work.post({0}, [](void* ctx) noexcept { ++*static_cast<std::atomic<int>*>(ctx); }, alive.get()).ok());
    ASSERT_TRUE(work.close(world, seconds(30)));
    alive.reset();  // what destroy does; a late post would touch it
    threads.join();
    EXPECT_EQ(work.outstanding(), "");
  }
}

TEST_F(PluginWorkTest, refusals_of_the_executor_are_handed_on_and_not_counted) {
  PluginWork work(threads, fake);
  EXPECT_EQ(work.post_blocking([](void*) noexcept {}, nullptr).code(), ION_E_OVERLOADED);
  EXPECT_EQ(work.outstanding(), "");
  EXPECT_TRUE(work.close(world, seconds(1)));
  EXPECT_EQ(work.post({0}, [](void*) noexcept {}, nullptr).code(), ION_E_CLOSED);
  EXPECT_EQ(work.arm({0}, {1}, [](void*) noexcept {}, nullptr).error().code(), ION_E_CLOSED);
}

TEST_F(PluginWorkTest, a_handle_is_never_given_twice) {
  PluginWork work(threads, fake);
  const auto nothing = [](void*) noexcept {};
  const TimerHandle first = *work.arm({0}, {1}, nothing, nullptr);
  EXPECT_EQ(work.outstanding(), "1 timer");
  EXPECT_TRUE(work.disarm(first));
  const TimerHandle second = *work.arm({0}, {1}, nothing, nullptr);
  EXPECT_NE(first, second);
  EXPECT_FALSE(work.disarm(first)) << "asking late harms nobody";
  EXPECT_TRUE(work.disarm(second));
}

}  // namespace
}  // namespace ion::host
