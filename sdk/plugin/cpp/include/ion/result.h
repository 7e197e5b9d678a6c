// Result<T>: a value or a Status, with the names of std::expected. We do not throw; value() on an error asserts.
#pragma once
#include <ion/assert.h>
#include <ion/status.h>

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace ion {

template <class T>
class [[nodiscard]] Result {
 public:
  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Status>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {    // NOLINT(google-explicit-constructor)
    ION_ASSERT(!std::get<1>(state_).ok());
  }

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  T& value() & { return ION_ASSERT(has_value()), std::get<0>(state_); }
  const T& value() const& { return ION_ASSERT(has_value()), std::get<0>(state_); }
  T&& value() && { return ION_ASSERT(has_value()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Status& error() const& { return ION_ASSERT(!has_value()), std::get<1>(state_); }
  Status&& error() && { return ION_ASSERT(!has_value()), std::get<1>(std::move(state_)); }
  T value_or(T other) && { return has_value() ? std::get<0>(std::move(state_)) : std::move(other); }

 private:
  std::variant<T, Status> state_;
};

namespace detail {
inline Status error_of(Status&& s) { return std::move(s); }
template <class T>
Status error_of(Result<T>&& r) { return std::move(r).error(); }
inline bool failed(const Status& s) { return !s.ok(); }
template <class T>
bool failed(const Result<T>& r) { return !r.has_value(); }
}  // namespace detail
}  // namespace ion

// ION_TRY(Offset base, producers.check(batch)): hands an error upward, else declares the value. ION_CHECK(status): the same
// without a value. The temporaries are named by __COUNTER__: two on one line collide when named by __LINE__.
#define ION_JOIN2(a, b) a##b
#define ION_JOIN(a, b) ION_JOIN2(a, b)
#define ION_TRY_AS(tmp, declaration, ...)                              \
  auto tmp = (__VA_ARGS__);                                            \
  if (::ion::detail::failed(tmp)) return ::ion::detail::error_of(std::move(tmp)); \
  declaration = *std::move(tmp)
#define ION_TRY(declaration, ...) ION_TRY_AS(ION_JOIN(ion_try_, __COUNTER__), declaration, __VA_ARGS__)
#define ION_CHECK_AS(tmp, ...) \
  if (auto tmp = (__VA_ARGS__); ::ion::detail::failed(tmp)) return ::ion::detail::error_of(std::move(tmp))
#define ION_CHECK(...) ION_CHECK_AS(ION_JOIN(ion_check_, __COUNTER__), __VA_ARGS__)
