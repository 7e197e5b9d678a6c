// One-shot timers: a heap of instants, one steady timer of the loop that waits for the earliest, and a post to the shard.
//
//     free --arm--> armed --due, posted--> posted --the task runs on the shard--> free, then fn(ctx)
//                     |                      |
//                     +--disarm--> free      +--disarm--> withdrawn --the task runs--> free, and nothing else
//
// A handle is a slot and its generation, not an address: asking about a timer that has ended is harmless and answers "has fired".
// Invariants: fn runs at most once, never before its instant, never after disarm answered true. A due timer whose shard is full
// stays armed and is tried again kRetry later. On a stopped shard it ends without having fired.
// Thread: arm any; disarm the timer's shard. Destroyed after loop.stop() and after the shards were stopped.
#pragma once
#include "base/io_loop.h"
#include "base/timer_queue.h"

#include <ion/ports.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace ion::base {

class AsioTimers final : public Timers {
 public:
  static constexpr Nanos kRetry = milliseconds(1);

  // At most timers_max are armed or posted at a time; one more is OVERLOADED.
  AsioTimers(Clock& clock, Executor& executor, IoLoop& loop, uint32_t timers_max = 1U << 20);
  ~AsioTimers() override;

  // INVALID: no such shard. CLOSED: the loop is stopped. An instant in the past fires at once, on the shard.
  Result<TimerHandle> arm(ShardId shard, Instant at, ion_fn fn, void* ctx) override;
  bool disarm(TimerHandle timer) override;

  uint32_t armed() const;  // a moment's view, for a metric

 private:
  enum class State : uint8_t { kFree, kArmed, kPosted, kWithdrawn };
  struct Slot {
    AsioTimers* timers = nullptr;
    ion_fn fn = nullptr;
    void* ctx = nullptr;
    ShardId shard;
    uint32_t number = 0;
    uint32_t generation = 1;
    State state = State::kFree;
  };
  struct SteadyTimer;

  static void fire(void* slot) noexcept;
  void wait_for_next();
  std::optional<Instant> post_due(Instant now);
  void post_one(Slot& slot, Instant now);
  Slot* take_slot();
  void free_slot(Slot& slot);

  Clock& clock_;
  Executor& executor_;
  IoLoop& loop_;
  const uint32_t timers_max_;
  const std::unique_ptr<SteadyTimer> timer_;  // the loop's thread only

  mutable std::mutex mutex_;  // guards all below; held while posting to a shard, which takes no lock
  std::deque<Slot> slots_;    // addresses stay
  std::vector<uint32_t> free_;
  TimerQueue queue_;
  std::optional<Instant> waits_for_;  // what the loop will wake for at the latest
};

}  // namespace ion::base
