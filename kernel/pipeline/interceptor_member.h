// One interceptor of the chain: its policy, its breaker, its calls in progress. A call that has not come back within `pending_deadline`
// cannot be stopped. Its batch is given up, the interceptor is named in the log and in the broker's problems, and is not asked any more
// until that call comes back: batches wait neither for it nor for its turn.
// Thread: any. Services outlive it as long as `chain` is there.
#pragma once
#include "pipeline/interceptor_chain.h"

#include <atomic>
#include <condition_variable>

namespace ion::pipeline {

// A call of `on`, from enter to leave. In a list of its member, under the member's lock.
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
  bool late_ = false;
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
    return suspect.load(std::memory_order_relaxed) != 0 || calls_seen.fetch_add(1, std::memory_order_relaxed) % kMeasureEach == 0;
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
  void tell_late(size_t calls, Instant now);
  void tell_back();
  bool arm(Instant at, void (InterceptorMember::*look)());

  std::atomic<uint32_t> calls_seen{0}, suspect{0};

  std::mutex turn;  // of the calls in progress
  std::condition_variable moved;
  CallInProgress* calls = nullptr;  // the newest first
  uint32_t waiting = 0;
  bool busy = false, watched = false;
  Nanos call_limit;

  std::mutex mutex;  // of what follows; taken when a breaker is enabled, and on failures
  Breaker breaker;
  bool breaker_open = false;  // as it was told
  bool withdrawn = false;
  WallMs breaker_since;
  Instant quiet_until;
  uint64_t unlogged = 0;
};

}  // namespace ion::pipeline
