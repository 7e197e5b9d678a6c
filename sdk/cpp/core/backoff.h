// When to try again: exponential with full jitter, and never before the broker asked for. Pure; the random value is given.
#pragma once
#include <ion/time.h>

#include <algorithm>
#include <cstdint>

namespace ion::client {

struct BackoffLimits {
  Nanos first = milliseconds(100);
  Nanos max = seconds(10);
};

// Uniform in [0, min(max, first * 2^failures)]: full jitter spreads a crowd best.
inline Nanos backoff(const BackoffLimits& limits, uint32_t failures, uint64_t random, Nanos retry_after = {}) noexcept {
  const int64_t doubled = failures >= 32 || limits.first.n > (limits.max.n >> failures) ? limits.max.n : limits.first.n << failures;
  const auto span = static_cast<unsigned __int128>(doubled) + 1;
  const Nanos wait{static_cast<int64_t>((span * random) >> 64)};
  return std::max(wait, retry_after);
}

// One random value for many users: splitmix64.
constexpr uint64_t mix(uint64_t random, uint64_t salt) noexcept {
  uint64_t z = random + 0x9e3779b97f4a7c15ULL * (salt + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace ion::client
