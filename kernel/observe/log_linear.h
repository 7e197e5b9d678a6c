// The buckets of a histogram: each power of two is cut into kSteps equal parts, so that a value is known to 1/kSteps of itself
// over the whole range, with a shift and no search. Values up to kExactMax have a bucket each.
// Example with kSteps 8: 0..15 one each, then 16-17, 18-19, ... 30-31, 32-35, ... Negative values count as 0, values above
// kTop as kTop: 2^42 is more than an hour in ns and 4 TiB. Pure; any thread.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ion::observe {

constexpr int kStepBits = 3;
constexpr int64_t kSteps = 1 << kStepBits;
constexpr int kTopBits = 42;
constexpr int64_t kTop = (1LL << kTopBits) - 1;
constexpr size_t kBuckets = static_cast<size_t>(kTopBits - kStepBits + 1) * kSteps;

constexpr size_t bucket_of(int64_t value) {
  const auto v = static_cast<uint64_t>(value < 0 ? 0 : value > kTop ? kTop : value);
  if (v < static_cast<uint64_t>(kSteps)) return static_cast<size_t>(v);
  const int shift = std::bit_width(v) - 1 - kStepBits;  // the leading bit and kStepBits behind it stay
  return (static_cast<size_t>(shift) << kStepBits) + static_cast<size_t>(v >> shift);
}

// The greatest value of a bucket.
constexpr int64_t bucket_upto(size_t bucket) {
  const auto b = static_cast<int64_t>(bucket);
  if (b < 2 * kSteps) return b;
  const int64_t shift = (b >> kStepBits) - 1;
  return ((b - (shift << kStepBits) + 1) << shift) - 1;
}

static_assert(bucket_of(kTop) == kBuckets - 1);
static_assert(bucket_upto(kBuckets - 1) == kTop);

}  // namespace ion::observe
