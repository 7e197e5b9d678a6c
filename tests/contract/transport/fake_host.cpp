#include "fake_host.h"

#include <numeric>

namespace ion::test {

Worker::Worker() : thread_([this] { loop(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Worker::give(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  changed_.notify_all();
}

void Worker::settle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return work_.empty() && !busy_; });
}

void Worker::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !work_.empty(); });
    if (work_.empty()) return;
    const std::function<void()> work = std::move(work_.front());
    work_.pop_front();
    busy_ = true;
    lock.unlock();
    work();
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

Status TestExecutor::post(ShardId shard, ion_fn fn, void* ctx) {
  shards_.at(shard.v).give([fn, ctx] { fn(ctx); });
  return {};
}

Status TestExecutor::post_blocking(ion_fn fn, void* ctx) {
  blocking_jobs_.fetch_add(1);
  blocking_.give([fn, ctx] { fn(ctx); });
  return {};
}

Result<TimerHandle> HandTimers::arm(ShardId shard, Instant, ion_fn fn, void* ctx) {
  const std::lock_guard lock(mutex_);
  const uintptr_t handle = next_++;
  timers_[handle] = {shard, fn, ctx};
  return reinterpret_cast<TimerHandle>(handle);
}

bool HandTimers::disarm(TimerHandle timer) {
  const std::lock_guard lock(mutex_);
  return timers_.erase(reinterpret_cast<uintptr_t>(timer)) != 0;
}

void HandTimers::fire_all() {
  for (uint32_t i = 0; i < executor_.shards(); ++i) executor_.shard(i).settle();
  std::map<uintptr_t, Timer> due;
  {
    const std::lock_guard lock(mutex_);
    due.swap(timers_);
  }
  for (const auto& [handle, timer] : due) (void)executor_.post(timer.shard, timer.fn, timer.ctx);
  for (uint32_t i = 0; i < executor_.shards(); ++i) executor_.shard(i).settle();
}

size_t HandTimers::armed() const {
  const std::lock_guard lock(mutex_);
  return timers_.size();
}

Status CountingRandom::secret(void* to, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) static_cast<uint8_t*>(to)[i] = static_cast<uint8_t>(u64() >> 32);
  return {};
}

const ion_metrics FakeHost::kMetrics{
    sizeof(ion_metrics), 0,
    [](void* self, uint32_t kind, ion_bytes name, ion_bytes unit, ion_bytes help, uint32_t, ion_metric** out) noexcept -> ion_status {
      if (unit.n == 0 || help.n == 0) return ION_E_INVALID;
      auto& metrics = static_cast<FakeHost*>(self)->metrics_;
      metrics.emplace_back();
      metrics.back().name = text_of(name), metrics.back().gauge = kind == ION_GAUGE;
      *out = reinterpret_cast<ion_metric*>(&metrics.back());
      return ION_OK;
    },
    [](void* self, ion_metric* m, const ion_field*, uint32_t, ion_series** out) noexcept -> ion_status {
      auto& metric = *reinterpret_cast<Metric*>(m);
      metric.series.emplace_back(0);
      auto& all = static_cast<FakeHost*>(self)->series_;
      all.push_back({&metric, metric.series.size() - 1});
      *out = reinterpret_cast<ion_series*>(&all.back());
      return ION_OK;
    },
    nullptr,
    [](ion_series* s, int64_t value) noexcept {
      auto& series = *reinterpret_cast<Series*>(s);
      auto& cell = series.metric->series[series.at];
      if (series.metric->gauge) cell = value;
      else cell.fetch_add(value);
    }};

const ion_rpc FakeHost::kRpc{
    sizeof(ion_rpc), 0, nullptr, nullptr,
    [](void* self, ion_bytes method, const ion_rpc_handler** out) noexcept -> ion_status {
      if (const auto& accepting = static_cast<FakeHost*>(self)->accepting_) accepting();
      auto& handlers = static_cast<FakeHost*>(self)->handlers_;
      const auto it = handlers.find(std::string(text_of(method)));
      if (it == handlers.end()) return ION_E_NOT_FOUND;
      *out = &it->second;
      return ION_OK;
    },
    [](void* self, ion_name_fn each, void* ctx) noexcept -> ion_status {
      for (const std::string& set : static_cast<FakeHost*>(self)->descriptors_) each(ctx, bytes_of(set), set.size());
      return ION_OK;
    }};

FakeHost::FakeHost() : executors_(export_executors(executor_, {1})), table_(export_host(*this)) {}

Result<ion_ref> FakeHost::get(std::string_view id, std::string_view) {
  if (id == ION_EXECUTORS_ID) return ion_ref{&executors_, static_cast<Executor*>(&executor_)};
  if (id == ION_TIMERS_ID) return ion_ref{&export_timers, static_cast<Timers*>(&timers_)};
  if (id == ION_RANDOM_ID) return ion_ref{&export_random, static_cast<Random*>(&random_)};
  if (id == ION_METRICS_ID) return ion_ref{&kMetrics, this};
  if (id == ION_RPC_ID) return ion_ref{&kRpc, this};
  if (id == ION_BROKER_API_ID) return ion_ref{&export_broker_api, given_api_};
  return Status(ION_E_NOT_FOUND, "the test's host has no " + std::string(id));
}

int64_t FakeHost::metric(const std::string& name) const {
  for (const Metric& metric : metrics_)
    if (metric.name == name)
      return std::accumulate(metric.series.begin(), metric.series.end(), int64_t{0}, [](int64_t sum, const auto& cell) { return sum + cell.load(); });
  return -1;
}

}  // namespace ion::test
