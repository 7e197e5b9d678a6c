#include "pipeline/admission.h"

#include <fmt/format.h>

namespace ion::pipeline {

Status Admission::enter(uint64_t bytes) { return grow(0, bytes); }

Status Admission::grow(uint64_t own, uint64_t bytes) {
  const uint64_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  // One request is always let in, whole, or a bound below the largest batch would lock everybody out.
  if (before == own || before + bytes <= bytes_max_) return {};
  leave(bytes);
  return {ION_E_OVERLOADED, fmt::format("{} bytes are in flight, {} more do not fit into limits.inflight_bytes_max {}", before, bytes, bytes_max_), "QUOTA_EXCEEDED"};
}

}  // namespace ion::pipeline
