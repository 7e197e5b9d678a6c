// The world of a broker on this machine: threads, the system's clock, files and signals. Several may live in one process; each hears
// the signals of the process.
// Members go left to right: what comes later uses what came before. When stop_work answers DEADLINE a task hangs: the destructor
// then leaves in memory what that task may still touch, and only leave_process() ends such a process.
// Thread: start, stop_work and the destructor by main.
#pragma once
#include "base/control_thread.h"
#include "base/logger.h"
#include "base/shard_pool.h"
#include "base/system_clock.h"
#include "base/world.h"

#include <optional>

namespace ion::base {

class AsioTimers;
class IoLoop;
class Signals;

struct RealWorldOptions {
  LogOptions log;
  uint32_t shards = 0;  // of executor(); 0: one per core
  uint32_t shard_queue = 8192;
  uint32_t blocking_threads = 4;
  uint32_t blocking_jobs = 65'536;  // waiting and running
  uint64_t descriptors = 1024;       // of the process
  uint64_t descriptors_kept = 0;     // of these, at least so many are not for logs
  uint64_t maps = UINT64_MAX;        // of the process
};

class RealWorld final : public World {
 public:
  static Result<std::unique_ptr<RealWorld>> start(RealWorldOptions options);
  ~RealWorld() override;  // stops the work; at most kEndLimit

  Clock& clock() override { return clock_; }
  Nanos thread_cpu() override { return SystemClock::thread_cpu(); }
  Executor& executor() override { return *executor_; }
  ShardId control_shard() const override { return {pool_->shards() - 1}; }
  Timers& timers() override;
  uint32_t cores() const override { return cores_; }
  Logger& logger() override { return *logger_; }
  std::unique_ptr<Logger> logger_for(std::string_view name) override { return logger_->child(name); }
  void set_log_level(LogLevel least) override { logger_->set_level(least); }
  std::unique_ptr<Random> random_for(std::string_view name) override;
  Result<std::unique_ptr<Files>> files_for(const std::string& directory) override;
  uint64_t descriptors_max() const override;
  uint64_t maps_max() const override;
  bool await(std::unique_lock<std::mutex>& lock, std::condition_variable& moved, Nanos limit, const std::function<bool()>& holds) override;
  bool run_step(std::function<void()> step, Nanos limit) override { return control_.run(std::move(step), limit); }
  int next_signal() override;
  Status stop_work(Nanos limit) override;

 private:
  // All shards but the last, which is the control shard.
  class WorkShards final : public Executor {
   public:
    explicit WorkShards(ShardPool& pool) : pool_(pool) {}
    uint32_t shards() const override { return pool_.shards() - 1; }
    Status post(ShardId shard, ion_fn fn, void* ctx) override { return pool_.post(shard, fn, ctx); }
    Status run(ShardId shard, ion_fn fn, void* ctx) override { return pool_.run(shard, fn, ctx); }
    Status post_blocking(ion_fn fn, void* ctx) override { return pool_.post_blocking(fn, ctx); }

   private:
    ShardPool& pool_;
  };
  RealWorld(RealWorldOptions options, uint32_t cores);
  Status build();

  const RealWorldOptions options_;
  const uint32_t cores_;
  uint64_t seed_ = 0;
  SystemClock clock_;
  std::unique_ptr<SpdLogger> logger_;
  std::unique_ptr<IoLoop> loop_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<ShardPool> pool_;
  std::optional<WorkShards> executor_;
  std::unique_ptr<AsioTimers> timers_;
  ControlThread control_;
  bool stopped_ = false, asked_ = false;
};

}  // namespace ion::base
