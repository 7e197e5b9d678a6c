// Work for the host's blocking pool that may come many at once and take long: so many jobs run at a time, the rest wait in their order,
// and the other threads of the pool are left to others.
// Thread: any. It may end while jobs run or wait; they run all the same, and own what they need.
#pragma once
#include <ion/ports.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace ion {

class LimitedJobs {
 public:
  struct Limits {
    size_t at_once = 1;
    size_t waiting = 4096;
  };
  // `executor` outlives every post.
  LimitedJobs(Executor& executor, Limits limits) : executor_(executor), limits_(limits) {}
  LimitedJobs(const LimitedJobs&) = delete;
  LimitedJobs& operator=(const LimitedJobs&) = delete;

  // Refused, OVERLOADED when so many wait already, else as the pool refuses: `job` never runs.
  Status post(std::function<void()> job) {
    const std::lock_guard lock(state_->mutex);  // posting runs nothing here
    if (state_->line.size() >= limits_.waiting) return {ION_E_OVERLOADED, std::to_string(limits_.waiting) + " jobs wait for a thread already"};
    state_->line.push_back(std::move(job));
    if (state_->runners == limits_.at_once) return {};
    const Status posted = post_blocking(executor_, [state = state_] { run(*state); });
    if (posted.ok()) ++state_->runners;
    if (state_->runners > 0) return {};  // one that runs comes to it
    state_->line.pop_back();
    return posted;
  }

 private:
  struct State {
    std::mutex mutex;
    std::deque<std::function<void()>> line;
    size_t runners = 0;
  };
  static void run(State& state) {
    for (;;) {
      std::function<void()> job;
      {
        const std::lock_guard lock(state.mutex);
        if (state.line.empty()) {
          --state.runners;
          return;
        }
        job = std::move(state.line.front());
        state.line.pop_front();
      }
      job();
    }
  }

  Executor& executor_;
  const Limits limits_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();  // shared with the runners
};

}  // namespace ion
