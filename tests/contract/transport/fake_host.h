// A host for one plugin instance: threads of its own, a clock and timers under the test's hand, metrics that can be read back, RPC
// handlers of other plugins, and the fake broker API behind the real C tables.
// Thread: the test's; what the plugin calls is safe on any.
#pragma once
#include "fake_broker_api.h"

#include <ion/abi/host/metrics.h>
#include <ion/abi/host/rpc.h>
#include <ion/bridge/broker_api_bridge.h>
#include <ion/bridge/host_bridge.h>
#include <ion/bridge/services_bridge.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ion::test {

class HandClock final : public Clock {
 public:
  Instant now() override { return {now_.load()}; }
  WallMs wall() override { return {1'700'000'000'000}; }
  void advance(Nanos by) { now_.fetch_add(static_cast<uint64_t>(by.n)); }

 private:
  std::atomic<uint64_t> now_{1'000'000'000};
};

// One thread that runs what it is given, in order.
class Worker {
 public:
  Worker();
  ~Worker();
  void give(std::function<void()> work);
  void settle();  // until all that was given has run

 private:
  void loop();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool busy_ = false, ending_ = false;
  std::thread thread_;
};

// Two shards, home is 1.
class TestExecutor final : public Executor {
 public:
  uint32_t shards() const override { return 2; }
  Status post(ShardId shard, ion_fn fn, void* ctx) override;
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return post(shard, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override;
  Worker& shard(uint32_t i) { return shards_.at(i); }
  uint64_t blocking_jobs() const { return blocking_jobs_.load(); }  // that were posted

 private:
  std::array<Worker, 2> shards_;
  std::atomic<uint64_t> blocking_jobs_{0};
  Worker blocking_;
};

class HandTimers final : public Timers {
 public:
  explicit HandTimers(TestExecutor& executor) : executor_(executor) {}
  Result<TimerHandle> arm(ShardId shard, Instant at, ion_fn fn, void* ctx) override;
  bool disarm(TimerHandle timer) override;
  void fire_all();  // what is armed, each on its shard; returns when they have run
  size_t armed() const;

 private:
  struct Timer {
    ShardId shard;
    ion_fn fn;
    void* ctx;
  };
  TestExecutor& executor_;
  mutable std::mutex mutex_;
  std::map<uintptr_t, Timer> timers_;
  uintptr_t next_ = 1;
};

class CountingRandom final : public Random {
 public:
  uint64_t u64() override { return next_.fetch_add(0x9e3779b97f4a7c15ULL); }
  Status secret(void* to, uint64_t n) override;

 private:
  std::atomic<uint64_t> next_{7};
};

class FakeHost {
 public:
  FakeHost();
  const ion_host* table() const { return &table_; }

  HandClock& clock() { return clock_; }
  Logger& logger() { return logger_; }
  Result<ion_ref> get(std::string_view id, std::string_view instance);
  void fault(const Status&) {}

  FakeBrokerApi& api() { return api_; }
  void set_broker_api(BrokerApi& other) { given_api_ = &other; }  // before the plugin asks
  TestExecutor& executor() { return executor_; }
  const TestExecutor& executor() const { return executor_; }
  HandTimers& timers() { return timers_; }
  int64_t metric(const std::string& name) const;  // the sum over its series
  void add_rpc(const ion_rpc_handler& handler) { handlers_[std::string(text_of(handler.method))] = handler; }
  // Runs inside of each question for a plugin's RPC: a call is being accepted and has no handler yet.
  void while_a_call_is_accepted(std::function<void()> then) { accepting_ = std::move(then); }
  void describe(std::string set) { descriptors_.push_back(std::move(set)); }
  // A tick of the plugin: time passes, its timer fires.
  void tick(Nanos passed) {
    clock_.advance(passed);
    timers_.fire_all();
  }

 private:
  struct Silent final : Logger {
    void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  };
  struct Metric {
    std::string name;
    std::deque<std::atomic<int64_t>> series;
    bool gauge = false;
  };
  struct Series {
    Metric* metric;
    size_t at;
  };
  static const ion_metrics kMetrics;
  static const ion_rpc kRpc;

  HandClock clock_;
  Silent logger_;
  CountingRandom random_;
  FakeBrokerApi api_;
  BrokerApi* given_api_ = &api_;
  std::deque<Metric> metrics_;
  std::deque<Series> series_;
  std::map<std::string, ion_rpc_handler> handlers_;
  std::vector<std::string> descriptors_;
  std::function<void()> accepting_;
  TestExecutor executor_;
  HandTimers timers_{executor_};
  ion_executors executors_;
  ion_host table_;
};

}  // namespace ion::test
