// A callable that is moved and called once: what a job or a completion is until its turn comes. Thread: its owner's.
#pragma once
#include <memory>
#include <type_traits>
#include <utility>

namespace ion::storage_mmap {

template <class Signature>
class UniqueFunction;
template <class R, class... A>
class UniqueFunction<R(A...)> {
 public:
  UniqueFunction() noexcept = default;
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction>)
  UniqueFunction(F&& f)  // NOLINT(google-explicit-constructor)
      : held_(std::make_unique<Held<std::decay_t<F>>>(std::forward<F>(f))) {}
  explicit operator bool() const noexcept { return held_ != nullptr; }
  // Destroys the callable before it returns, so that nothing it holds outlives the call.
  R operator()(A... arguments) {
    const std::unique_ptr<Callable> once = std::move(held_);
    return once->call(std::forward<A>(arguments)...);
  }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual R call(A... arguments) = 0;
  };
  template <class F>
  struct Held final : Callable {
    explicit Held(F f_) : f(std::move(f_)) {}
    R call(A... arguments) override { return f(std::forward<A>(arguments)...); }
    F f;
  };
  std::unique_ptr<Callable> held_;
};

}  // namespace ion::storage_mmap
