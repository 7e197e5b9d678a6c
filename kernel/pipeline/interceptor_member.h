// One interceptor of the chain: its policy, its breaker, its calls in progress. A call that has not come back within `pending_deadline`
// cannot be stopped. Its batch is given up, the interceptor is named in the log and in the broker's problems, and is not asked any more
// until that call comes back: batches wait neither for it nor for its turn.
// Thread: any. Services outlive it as long as `chain` is there.
#pragma once
#include "pipeline/interceptor_chain.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>

namespace ion::pipeline {

// A call of `on`, from enter to leave: in a slot of its member, or in a list under the member's lock.
class CallInProgress {
 public:
  virtual ~CallInProgress() = default;
  // The call is late: its batch must not wait for it. Any thread, while the call may be coming back.
  virtual void give_up_call(InterceptorMember& by) = 0;
  virtual std::shared_ptr<CallInProgress> self() = 0;

 private:
  friend struct InterceptorMember;
  CallInProgress *before_ = nullptr, *after_ = nullptr;
  Instant since_;
  bool late_ = false;  // under the lock
  std::atomic<uintptr_t>* slot_ = nullptr;  // null: it is in the list
};

// Calls in progress without a lock, for interceptors that may be called by several threads at a time. A slot holds the address of a call, or
// that with kLookedAt while somebody who holds the member's lock looks at it: then the call leaves under the lock.
class CallSlots {
 public:
  static constexpr uintptr_t kLookedAt = 1;
  // Null: all that this thread tries are taken.
  std::atomic<uintptr_t>* put(CallInProgress& call) {
    const size_t first = of_this_thread();
    for (size_t i = 0; i < kTries; ++i) {
      std::atomic<uintptr_t>& slot = slots_[(first + i) % kSlots].call;
      uintptr_t free = 0;
      if (slot.load(std::memory_order_relaxed) == 0 && slot.compare_exchange_strong(free, reinterpret_cast<uintptr_t>(&call))) return &slot;
    }
    return nullptr;
  }
  // False: somebody looks at it.
  static bool take(std::atomic<uintptr_t>& slot, CallInProgress& call) {
    auto mine = reinterpret_cast<uintptr_t>(&call);
    return slot.compare_exchange_strong(mine, 0);
  }
  bool empty() const {
    return std::all_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.call.load() == 0; });
  }
  // `look` answers whether the call may leave without the lock from now on. Under the lock.
  template <class Look>
  void each(Look look) {
    for (Slot& each : slots_) {
      uintptr_t held = each.call.load();
      if (held == 0) continue;
      if ((held & kLookedAt) == 0 && !each.call.compare_exchange_strong(held, held | kLookedAt)) continue;  // it has just left
      if (look(*reinterpret_cast<CallInProgress*>(held & ~kLookedAt))) each.call.store(held & ~kLookedAt);
    }
  }

 private:
  static constexpr size_t kSlots = 64, kTries = 4;
  struct alignas(64) Slot {
    std::atomic<uintptr_t> call{0};
  };
  // Stacks of threads lie far apart, and a thread calls from about the same depth each time.
  static size_t of_this_thread() {
    const char here = 0;
    return (reinterpret_cast<uintptr_t>(&here) >> 16) * 0x9E3779B97F4A7C15u >> 58;
  }
  std::array<Slot, kSlots> slots_;
};

struct InterceptorMember : std::enable_shared_from_this<InterceptorMember> {
  InterceptorMember(InterceptorPolicy p, std::weak_ptr<void> of_chain, ChainServices& s);

  // Not asked for now: it keeps too much, its breaker is open, or a call of it is late.
  bool passed_over(Instant now);
  const char* why_passed_over() const { return late_calls.load(std::memory_order_relaxed) != 0 ? "has not come back from a call" : "failed too often"; }
  void count(bool bad, Instant now);
  // Waits for its turn unless it is REENTRANT. False: it must not be called, since a call of it is late.
  bool enter(CallInProgress& call, Instant now);
  void leave(CallInProgress& call);
  // Of the next call: whether its processor time is to be read, which costs more than most calls.
  bool measured() {
    if (suspect.load(std::memory_order_relaxed) != 0) return true;
    const uint32_t n = calls_seen.load(std::memory_order_relaxed);
    calls_seen.store(n + 1, std::memory_order_relaxed);  // calls that are lost between threads are lost to a sample only
    return n % kMeasureEach == 0;
  }
  // A call took longer than its budget by the clock, which may be the machine's fault: the next ones are measured.
  void suspect_slow() { suspect.store(kSuspectCalls, std::memory_order_relaxed); }
  void measure(Nanos cpu, bool& slow, Instant now);
  InterceptorReport report();
  // The records that it took out in this call: their words name it, and they are counted.
  void settle(MessageView& view, size_t outcomes_before, int32_t verdict);
  // At most one line in kLogWindow, with the number of those that were left out.
  void log(const char* text, std::string why, Instant now);
  // Calls in progress have so long from now on.
  void hurry(Nanos limit);
  // Another generation has taken its place: it tells of itself no more.
  void withdraw();

  static constexpr uint32_t kMeasureEach = 256;      // calls of which one is measured, while none was slow
  static constexpr uint32_t kSuspectCalls = 1'000;  // after one that took long each of so many is

  InterceptorPolicy policy;
  const ion_interceptor* const table;
  const std::weak_ptr<void> chain;  // owns the services
  ChainServices& services;
  // Messages that it has kept too long and has still, and the bytes of their batches.
  std::atomic<int32_t> expired{0};
  std::atomic<uint64_t> expired_bytes{0};
  std::atomic<uint32_t> late_calls{0};  // written under `turn`

 private:
  void open_breaker();                // under the lock
  void look_at_breaker(Instant now);  // under the lock: closes one whose pause is over
  void arm_breaker();                 // under the lock: somebody looks when the pause is over, also when nothing is produced
  void look_again();
  void arm_watch(Instant at);
  void look_at_calls();
  bool look_at(CallInProgress& call, Instant now, Instant* next, std::vector<std::shared_ptr<CallInProgress>>& late);  // under `turn`
  void watch(Instant until);
  void tell_late(size_t calls, Instant now);
  void tell_back();
  bool arm(Instant at, void (InterceptorMember::*look)());

  std::atomic<uint32_t> calls_seen{0}, suspect{0};

  CallSlots slots;
  std::atomic<bool> watched{false};  // a look at the calls in progress is coming. Set false before that look: who enters behind it sees so
  std::atomic<int64_t> call_limit_ns;
  std::mutex turn;  // of what follows, and of calls that are looked at
  std::condition_variable moved;
  CallInProgress* calls = nullptr;  // the newest first
  uint32_t waiting = 0;
  bool busy = false;

  std::mutex mutex;  // of what follows; taken when a breaker is enabled, and on failures
  Breaker breaker;
  bool breaker_open = false;  // as it was told
  bool withdrawn = false;
  WallMs breaker_since;
  Instant quiet_until;
  uint64_t unlogged = 0;
};

}  // namespace ion::pipeline
