// Continuations of work that was taken on: they may not be refused because the shard's queue is full of requests, which are refused
// at the door instead. A full queue is asked again from a timer. Bounded by what was taken on before.
// Thread: any.
#pragma once
#include <ion/ports.h>

#include <functional>
#include <memory>
#include <utility>

namespace ion {

struct ContinuationWorld {
  Executor& executor;
  Timers& timers;
  Clock& clock;
};

enum class Hop { kRun, kPost };  // kRun: here and now if the shard is idle

// OK: `work` runs once, on the shard. CLOSED: the process goes down and it never runs. Anything else (no timer left either): it
// never runs.
inline Status go_on_at(const ContinuationWorld& world, ShardId shard, Hop how, std::function<void()> work) {
  auto kept = std::make_shared<std::function<void()>>(std::move(work));  // shared by the attempt and the timer
  const auto attempt = [kept] { (*kept)(); };
  const Status given = how == Hop::kRun ? run(world.executor, shard, attempt) : post(world.executor, shard, attempt);
  if (given.code() != ION_E_OVERLOADED) return given;
  using Kept = std::shared_ptr<std::function<void()>>;
  auto own = std::make_unique<Kept>(std::move(kept));
  const auto armed = world.timers.arm(
      shard, world.clock.now() + milliseconds(1),
      [](void* ctx) noexcept {
        const std::unique_ptr<Kept> mine(static_cast<Kept*>(ctx));
        (**mine)();
      },
      own.get());
  if (!armed) return armed.error();
  (void)own.release();
  return {};
}

}  // namespace ion
