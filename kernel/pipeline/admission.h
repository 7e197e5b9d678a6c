// Refuses requests at the broker API, before they take memory: bytes of produce requests in flight,
// and what interceptors make of them, where it is made.
// Thread: ANY. Permission (ion.auth/1) and rates will be asked here too, once.
#pragma once
#include <ion/result.h>

#include <atomic>
#include <cstdint>
#include <utility>

namespace ion::pipeline {

class Admission {
 public:
  explicit Admission(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  Status enter(uint64_t bytes);             // OVERLOADED, reason QUOTA_EXCEEDED
  Status grow(uint64_t own, uint64_t more);  // the same for a request that has `own` bytes in already
  void leave(uint64_t bytes) noexcept { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_{0};
};

// What was let in leaves with this, however the request ends.
class Admitted {
 public:
  Admitted() = default;
  Admitted(Admission& to, uint64_t bytes) noexcept : to_(&to), bytes_(bytes) {}
  Admitted(Admitted&& other) noexcept : to_(std::exchange(other.to_, nullptr)), bytes_(other.bytes_) {}
  Admitted& operator=(Admitted&&) = delete;
  ~Admitted() { leave(); }
  // More memory for the same request. OVERLOADED takes nothing.
  Status grow(uint64_t bytes) {
    if (to_ == nullptr) return {};
    ION_CHECK(to_->grow(bytes_, bytes));
    bytes_ += bytes;
    return {};
  }
  void leave() noexcept {
    if (Admission* const to = std::exchange(to_, nullptr)) to->leave(bytes_);
  }

 private:
  Admission* to_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace ion::pipeline
