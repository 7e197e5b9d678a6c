#include "bench/latency_recorder.h"

#include <algorithm>
#include <bit>

namespace ion::bench {

// Below 32 us a bucket is one microsecond; above, each doubling has 32 of them.
uint32_t LatencyRecorder::bucket_of(uint64_t us) noexcept {
  if (us < kSteps) return static_cast<uint32_t>(us);
  const auto doubling = static_cast<uint32_t>(std::bit_width(us)) - 6;  // 0 for 32..63
  const auto step = static_cast<uint32_t>(us >> (doubling + 0)) - kSteps;
  return std::min<uint32_t>(kSteps + doubling * kSteps + step, kSteps * kDoublings - 1);
}

uint64_t LatencyRecorder::upper_of(uint32_t bucket) noexcept {
  if (bucket < kSteps) return bucket + 1;
  const uint32_t doubling = bucket / kSteps - 1, step = bucket % kSteps;
  return static_cast<uint64_t>(kSteps + step + 1) << doubling;
}

void LatencyRecorder::record(uint64_t nanoseconds) noexcept {
  ++counts_[bucket_of(nanoseconds / 1000)];
  ++count_;
  sum_ += nanoseconds;
  max_ = std::max(max_, nanoseconds);
}

void LatencyRecorder::merge(const LatencyRecorder& other) noexcept {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

double LatencyRecorder::percentile_us(double share) const noexcept {
  if (count_ == 0) return 0;
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(count_) + 0.5));
  uint64_t seen = 0;
  for (uint32_t b = 0; b < counts_.size(); ++b)
    if ((seen += counts_[b]) >= rank) return std::min(static_cast<double>(upper_of(b)), max_us());
  return max_us();
}

double LatencyRecorder::mean_us() const noexcept { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / 1e3; }

}  // namespace ion::bench
