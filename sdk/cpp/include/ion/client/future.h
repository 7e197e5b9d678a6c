// Future<T>: one awaitable answer. get() waits, then() goes on elsewhere, co_await does either.
// Continuations run on the client's thread (or at once, if the answer is there), never under a lock. Any thread may use it.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace ion::client {

namespace detail {
template <class T>
class FutureState {
 public:
  void fulfil(Result<T> result) {
    std::function<void(Result<T>)> next;
    {
      const std::lock_guard lock(mutex_);
      if (done_) return;
      done_ = true;
      result_.emplace(std::move(result));
      next = std::move(next_);
    }
    changed_.notify_all();
    if (next) next(take());
  }
  void then(std::function<void(Result<T>)> next) {
    {
      const std::lock_guard lock(mutex_);
      if (!done_) {
        next_ = std::move(next);
        return;
      }
    }
    next(take());
  }
  bool ready() const {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  bool wait(Nanos timeout) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::nanoseconds(timeout.n), [this] { return done_; });
  }
  Result<T> take() {
    const std::lock_guard lock(mutex_);
    ION_ASSERT(result_.has_value());  // an answer is taken once
    Result<T> out = std::move(*result_);
    result_.reset();
    return out;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool done_ = false;
  std::optional<Result<T>> result_;
  std::function<void(Result<T>)> next_;
};
}  // namespace detail

template <class T>
class [[nodiscard]] Future {
 public:
  explicit Future(std::shared_ptr<detail::FutureState<T>> state) : state_(std::move(state)) {}

  bool ready() const { return state_->ready(); }
  // Waits for the answer and takes it: once. Every send ends by itself (delivery_timeout), so this does too.
  Result<T> get() {
    while (!state_->wait(seconds(3600))) {
    }
    return state_->take();
  }
  Result<T> get(Nanos timeout) {
    if (!state_->wait(timeout)) return Status(ION_E_DEADLINE, "no answer within " + std::to_string(timeout.n / 1'000'000) + " ms", "TIMED_OUT");
    return state_->take();
  }
  // `next` runs once, with the answer: here and now if it is there, else on the client's thread. Instead of get(), not beside it.
  void then(std::function<void(Result<T>)> next) { state_->then(std::move(next)); }

  bool await_ready() const { return ready(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    // The answer is put back for await_resume, which runs inside resume().
    state_->then([this, waiting](Result<T> r) {
      resumed_.emplace(std::move(r));
      waiting.resume();
    });
  }
  Result<T> await_resume() { return resumed_ ? std::move(*resumed_) : state_->take(); }

 private:
  std::shared_ptr<detail::FutureState<T>> state_;  // shared with the promise, which may outlive this handle
  std::optional<Result<T>> resumed_;
};

// The giving side. Dropped without an answer it says CANCELLED.
template <class T>
class Promise {
 public:
  Promise() : state_(std::make_shared<detail::FutureState<T>>()) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&&) noexcept = default;
  ~Promise() {
    if (state_) state_->fulfil(Status(ION_E_CANCELLED, "dropped without an answer"));
  }
  Future<T> future() const { return Future<T>(state_); }
  void fulfil(Result<T> result) { std::exchange(state_, nullptr)->fulfil(std::move(result)); }

 private:
  std::shared_ptr<detail::FutureState<T>> state_;
};

}  // namespace ion::client
