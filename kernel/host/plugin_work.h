// What one plugin instance has under way in the host: work it posted, timers it armed. Executor and Timers of the instance are
// these, in front of the real ones. After close() nothing of it runs any more, so that destroy() cannot pull memory away from
// under a late post or a forgotten timer; the host says who left what behind.
// Invariant: outlives every post and timer, hence lives until the real executor and timers were stopped.
// Price: one small allocation for a post. Thread: any; close() by control, never from posted work.
#pragma once
#include "base/world.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace ion::host {

class PluginWork final : public Executor, public Timers {
 public:
  PluginWork(Executor& executor, Timers& timers) : executor_(executor), timers_(timers) {}

  uint32_t shards() const override { return executor_.shards(); }
  Status post(ShardId shard, ion_fn fn, void* ctx) override;
  Status run(ShardId shard, ion_fn fn, void* ctx) override;
  Status post_blocking(ion_fn fn, void* ctx) override;
  Result<TimerHandle> arm(ShardId shard, Instant at, ion_fn fn, void* ctx) override;
  bool disarm(TimerHandle timer) override;

  // New work is refused with CLOSED, waiting work and timers will do nothing. Waits for what runs; false: it still runs after `limit`.
  bool close(World& world, Nanos limit);
  // "2 posts, 1 timer" that have not run yet; empty: none.
  std::string outstanding() const;

 private:
  struct Posted {
    PluginWork& work;
    ion_fn fn;
    void* ctx;
    static void run(void* self) noexcept;
  };
  struct Armed {
    PluginWork& work;
    uint64_t number;
    ion_fn fn;
    void* ctx;
    TimerHandle inner;  // once `noted`
    bool noted;
    static void fire(void* self) noexcept;
  };
  template <class Give>
  Status give(ion_fn fn, void* ctx, Give give);
  void call(ion_fn fn, void* ctx) noexcept;

  Executor& executor_;
  Timers& timers_;
  std::atomic<uint32_t> posts_{0}, running_{0};
  std::atomic<bool> closed_{false};

  mutable std::mutex mutex_;  // guards what follows, and the wait for running_ == 0
  std::condition_variable idle_;
  std::map<uint64_t, std::unique_ptr<Armed>> armed_;
  uint64_t next_number_ = 1;  // a handle is a number that is never given twice: a late disarm is harmless
};

}  // namespace ion::host
