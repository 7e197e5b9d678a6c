// Counts latencies in log-linear buckets (32 per doubling, as HDR histograms do): 3 % precise from 1 us to hours, of fixed size.
// Not for several threads: one per thread, then merge().
#pragma once
#include <array>
#include <cstdint>

namespace ion::bench {

class LatencyRecorder {
 public:
  void record(uint64_t nanoseconds) noexcept;
  void merge(const LatencyRecorder& other) noexcept;
  uint64_t count() const noexcept { return count_; }
  // Microseconds; 0 when nothing was recorded. `share` in (0, 1].
  double percentile_us(double share) const noexcept;
  double mean_us() const noexcept;
  double max_us() const noexcept { return static_cast<double>(max_) / 1e3; }

 private:
  static constexpr uint32_t kSteps = 32, kDoublings = 40;
  static uint32_t bucket_of(uint64_t microseconds) noexcept;
  static uint64_t upper_of(uint32_t bucket) noexcept;
  std::array<uint64_t, kSteps * kDoublings> counts_{};
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace ion::bench
