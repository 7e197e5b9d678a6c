// The door where requests are refused, so that nothing is refused in the cellar: bytes of produce requests in flight.
// Thread: ANY. Permission (ion.auth/1) and rates will be asked here too, once.
#pragma once
#include <ion/result.h>

#include <atomic>
#include <cstdint>

namespace ion::pipeline {

class Admission {
 public:
  explicit Admission(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  Status enter(uint64_t bytes);             // OVERLOADED, reason QUOTA_EXCEEDED
  void leave(uint64_t bytes) noexcept { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace ion::pipeline
