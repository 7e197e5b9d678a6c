// Asks one op after another without deepening the stack when answers come inline.
#pragma once
#include <atomic>
#include <memory>
#include <utility>

namespace ion {

namespace detail {
template <class Step>
struct RepeatLoop : std::enable_shared_from_this<RepeatLoop<Step>> {
  enum Phase { kRunning, kReturned, kAgain };
  explicit RepeatLoop(Step s) : step(std::move(s)) {}
  void run() {
    for (;;) {
      phase.store(kRunning, std::memory_order_relaxed);
      step([self = this->shared_from_this()]() mutable { std::move(self)->again(); });
      if (phase.exchange(kReturned, std::memory_order_acq_rel) != kAgain) return;
    }
  }
  void again() {
    if (phase.exchange(kAgain, std::memory_order_acq_rel) == kReturned) run();
  }
  Step step;
  std::atomic<Phase> phase{kRunning};
};
}  // namespace detail

// `step(again)` is called at least once; it arranges that again() is called at most once, now or later from any thread: then it
// is called once more. When again is dropped uncalled the loop ends and the step is destroyed. Rounds never overlap.
template <class Step>
void repeat(Step step) {
  std::make_shared<detail::RepeatLoop<Step>>(std::move(step))->run();
}

}  // namespace ion
