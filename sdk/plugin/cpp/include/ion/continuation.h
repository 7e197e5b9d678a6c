// Continuations of work that was taken on: they may not be refused because the shard's queue is full of requests, which are refused
// at the broker API instead. A full queue is asked again from a timer. Bounded by what was taken on before.
// Thread: any.
#pragma once
#include <ion/ports.h>

#include <functional>
#include <memory>
#include <utility>

namespace ion {

struct ContinuationFixture {
  Executor& executor;
  Timers& timers;
  Clock& clock;
};

enum class Hop { kRun, kPost };  // kRun: here and now if the shard is idle

// OK: `work` runs once, on the shard. CLOSED: the process goes down and it never runs. Anything else (no timer left either): it
// never runs.
inline Status go_on_at(const ContinuationFixture& world, ShardId shard, Hop how, std::function<void()> work) {
  // The queue and the timer take the same function and the same box: who takes it owns it.
  using Work = std::function<void()>;
  auto box = std::make_unique<Work>(std::move(work));
  constexpr auto open = [](void* ctx) noexcept {
    const std::unique_ptr<Work> mine(static_cast<Work*>(ctx));
    (*mine)();
  };
  Status given = how == Hop::kRun ? world.executor.run(shard, open, box.get()) : world.executor.post(shard, open, box.get());
  if (given.code() == ION_E_OVERLOADED) {
    const auto armed = world.timers.arm(shard, world.clock.now() + milliseconds(1), open, box.get());
    given = armed ? Status() : armed.error();
  }
  if (given.ok()) (void)box.release();
  return given;
}

}  // namespace ion
