// A world in which nothing happens: for checks, which create plugins and start none. Work, timers and files are refused with CLOSED,
// time stands still, nothing is logged. A step still has its deadline. Thread: main.
#pragma once
#include "base/control_thread.h"
#include "base/world.h"

namespace ion::base {

class RefusingWorld final : public World, private Clock, private Executor, private Timers {
 public:
  Clock& clock() override { return *this; }
  Nanos thread_cpu() override { return {}; }
  Executor& executor() override { return *this; }
  ShardId control_shard() const override { return {1}; }
  Timers& timers() override { return *this; }
  uint32_t cores() const override { return 1; }
  Logger& logger() override { return silent_; }
  std::unique_ptr<Logger> logger_for(std::string_view) override { return std::make_unique<Silent>(); }
  void set_log_level(LogLevel) override {}
  std::unique_ptr<Random> random_for(std::string_view) override { return std::make_unique<Counting>(); }
  Result<std::unique_ptr<Files>> files_for(const std::string&) override { return std::unique_ptr<Files>(std::make_unique<NoFiles>()); }
  uint64_t descriptors_max() const override { return 0; }
  bool await(std::unique_lock<std::mutex>&, std::condition_variable&, Nanos, const std::function<bool()>& holds) override { return holds(); }
  bool run_step(std::function<void()> step, Nanos limit) override { return control_.run(std::move(step), limit); }
  int next_signal() override { return 0; }
  Status stop_work(Nanos) override { return {}; }

 private:
  static Status refused() { return {ION_E_CLOSED, "only a check"}; }
  struct Silent final : Logger {
    void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  };
  struct Counting final : Random {
    uint64_t u64() override { return ++last; }
    Status secret(void*, uint64_t) override { return refused(); }
    uint64_t last = 0;
  };
  struct NoFiles final : Files {
    Result<std::unique_ptr<File>> open(std::string_view, uint32_t) override { return refused(); }
    Status rename(std::string_view, std::string_view) override { return refused(); }
    Status remove(std::string_view) override { return refused(); }
    Status make_dir(std::string_view) override { return refused(); }
    Status sync_dir(std::string_view) override { return refused(); }
    Result<std::vector<DirEntry>> list(std::string_view) override { return refused(); }
    Result<DiskSpace> space() override { return refused(); }
  };
  Instant now() override { return {1}; }
  WallMs wall() override { return {0}; }
  uint32_t shards() const override { return 1; }
  Status post(ShardId, ion_fn, void*) override { return refused(); }
  Status run(ShardId, ion_fn, void*) override { return refused(); }
  Status post_blocking(ion_fn, void*) override { return refused(); }
  Result<TimerHandle> arm(ShardId, Instant, ion_fn, void*) override { return refused(); }
  bool disarm(TimerHandle) override { return false; }

  Silent silent_;
  ControlThread control_;
};

}  // namespace ion::base
