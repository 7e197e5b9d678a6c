// A chain that many threads use while its looks at calls in progress come at any moment. For the thread sanitizer as well.
#include "chain_fixture.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <tuple>

namespace ion::pipeline {
namespace {

class SharedTimers final : public Timers {
 public:
  ~SharedTimers() override { fire_due({UINT64_MAX}); }
  Result<TimerHandle> arm(ShardId, Instant at, ion_fn fn, void* ctx) override {
    const std::lock_guard lock(mutex_);
    armed_.emplace_back(at, fn, ctx);
    return static_cast<TimerHandle>(this);
  }
  bool disarm(TimerHandle) override { return false; }
  void fire_due(Instant now) {
    std::vector<std::tuple<Instant, ion_fn, void*>> due;
    {
      const std::lock_guard lock(mutex_);
      const auto later = std::partition(armed_.begin(), armed_.end(), [&](const auto& a) { return std::get<0>(a) <= now; });
      due.assign(armed_.begin(), later);
      armed_.erase(armed_.begin(), later);
    }
    for (const auto& [at, fn, ctx] : due) fn(ctx);
  }

 private:
  std::mutex mutex_;
  std::vector<std::tuple<Instant, ion_fn, void*>> armed_;
};

class SharedLines final : public Logger {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

struct InterceptorThreads : ::testing::Test {
  // Calls `chain` from so many threads; once `begun`, a look at the calls comes at any moment. Answers how often a run was answered.
  uint64_t call(size_t threads, size_t each, const std::function<bool()>& begun = [] { return true; }) {
    batch::RecordWriter writer;
    batch::NewRecord record;
    record.value = span_of(std::string_view("value"));
    writer.append(record);
    const std::vector<uint8_t> bytes = writer.finish();
    const ion_buf part = borrowed(bytes);
    std::atomic<uint64_t> answered{0};
    std::atomic<bool> over{false};
    std::thread looks([&] {
      while (!over) {
        if (begun()) clock.advance(milliseconds(300)), timers.fire_due(clock.now());
        std::this_thread::yield();
      }
    });
    std::vector<std::thread> callers;
    for (size_t t = 0; t < threads; ++t)
      callers.emplace_back([&] {
        for (size_t i = 0; i < each; ++i) {
          BatchInFlight batch;
          batch.header = batch::read_header(bytes.data());
          batch.parts = {&part, 1};
          chain.run({Hook::kProduce, {}}, std::move(batch), [&](const ChainResult& r) {
            ++answered;
            (r.kind == ChainResult::Kind::kGo ? passed : refused) += 1;
          });
        }
      });
    for (std::thread& caller : callers) caller.join();
    over = true;
    looks.join();
    return answered;
  }
  void add(Scripted& s, uint32_t flags) {
    s.table.flags = flags, s.table.needs = ION_NEED_HEADER;
    InterceptorPolicy policy;
    policy.name = "rule" + std::to_string(++added);
    policy.ref = s.ref();
    policy.pending_deadline = seconds(1);
    policy.misbehaved = [this](const Status&) { ++faults; };
    ASSERT_TRUE(chain.add(std::move(policy)).ok());
  }

  test::FakeClock clock;
  SharedTimers timers;
  SharedLines lines;
  observe::Health health;
  InterceptorChain chain{ChainServices{clock, timers, lines, ShardId{0}, [] { return Nanos{}; }, health}};
  std::atomic<uint64_t> passed{0}, refused{0}, faults{0};
  int added = 0;
};

TEST_F(InterceptorThreads, every_run_is_answered_once_though_calls_are_late_at_any_moment) {
  std::atomic<uint64_t> calls{0};
  const auto sometimes_late = [&](ion_msg*, const ion_msg_api*) {
    if (calls.fetch_add(1) % 97 == 0)
      for (const Instant until = clock.now() + seconds(2); clock.now() < until;) std::this_thread::yield();
    return ION_V_CONTINUE;
  };
  Scripted first{sometimes_late}, second{sometimes_late};
  add(first, ION_INTERCEPTOR_REENTRANT);
  add(second, ION_INTERCEPTOR_REENTRANT);
  constexpr size_t kThreads = 4, kEach = 2'000;
  EXPECT_EQ(call(kThreads, kEach), kThreads * kEach);
  EXPECT_GT(passed, 0U);
  EXPECT_GT(refused, 0U) << "late calls were given up";
  EXPECT_GT(faults, 0U);
  EXPECT_TRUE(health.report().reasons.empty()) << "all came back";
}

TEST_F(InterceptorThreads, more_calls_than_there_are_slots_are_all_seen) {
  std::atomic<uint64_t> inside{0};
  constexpr size_t kThreads = 100;
  Scripted waits{[&](ion_msg*, const ion_msg_api*) {
    ++inside;
    while (inside < kThreads) std::this_thread::yield();
    for (const Instant until = clock.now() + seconds(3); clock.now() < until;) std::this_thread::yield();
    return ION_V_CONTINUE;
  }};
  add(waits, ION_INTERCEPTOR_REENTRANT);
  EXPECT_EQ(call(kThreads, 1, [&] { return inside == kThreads; }), kThreads);
  EXPECT_EQ(refused, kThreads) << "each of them was late";
  EXPECT_TRUE(health.report().reasons.empty());
}

TEST_F(InterceptorThreads, one_that_is_called_by_one_thread_at_a_time_is) {
  std::atomic<int> inside{0}, most{0};
  Scripted alone{[&](ion_msg*, const ion_msg_api*) {
    most = std::max(most.load(), ++inside);
    std::this_thread::yield();
    --inside;
    return ION_V_CONTINUE;
  }};
  add(alone, 0);
  EXPECT_EQ(call(4, 500), 2'000U);
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace ion::pipeline
