// A bounded queue for many producers and many consumers without a lock (Dmitry Vyukov's array of sequenced cells).
// push answers false when full: the caller says OVERLOADED. Any thread. Capacity is rounded up to a power of two.
#pragma once
#include <ion/assert.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace ion {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? size_t{2} : capacity) - 1), cells_(std::make_unique<Cell[]>(mask_ + 1)) {
    for (size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  bool push(T&& value) {
    size_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const auto lead = static_cast<std::ptrdiff_t>(cell.turn.load(std::memory_order_acquire) - at);
      if (lead < 0) return false;  // full: this cell still holds a value of the lap before
      if (lead > 0) {
        at = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        cell.value = std::move(value);
        cell.turn.store(at + 1, std::memory_order_release);
        return true;
      }
    }
  }

  std::optional<T> pop() {
    size_t at = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const auto lead = static_cast<std::ptrdiff_t>(cell.turn.load(std::memory_order_acquire) - (at + 1));
      if (lead < 0) return std::nullopt;  // empty
      if (lead > 0) {
        at = head_.load(std::memory_order_relaxed);
      } else if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        std::optional<T> out(std::move(cell.value));
        cell.value = T{};
        cell.turn.store(at + mask_ + 1, std::memory_order_release);
        return out;
      }
    }
  }

  // A moment's view; exact only when nobody else moves.
  bool empty() const noexcept {
    const size_t at = head_.load(std::memory_order_acquire);
    return cells_[at & mask_].turn.load(std::memory_order_acquire) != at + 1;
  }
  size_t capacity() const noexcept { return mask_ + 1; }

 private:
  struct alignas(64) Cell {
    std::atomic<size_t> turn{0};
    T value{};
  };
  const size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<size_t> head_{0};
  alignas(64) std::atomic<size_t> tail_{0};
};

}  // namespace ion
