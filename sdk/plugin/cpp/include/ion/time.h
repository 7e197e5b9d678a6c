// Instants and durations of the host's monotonic clock, and wall time in milliseconds since 1970 (UTC).
#pragma once
#include <compare>
#include <cstdint>

namespace ion {

struct Nanos {  // a duration
  int64_t n = 0;
  auto operator<=>(const Nanos&) const = default;
  constexpr double seconds() const { return static_cast<double>(n) / 1e9; }
};
struct Instant {  // host monotonic time; 0 is "none"
  uint64_t ns = 0;
  auto operator<=>(const Instant&) const = default;
};
constexpr Instant operator+(Instant a, Nanos d) { return {a.ns + static_cast<uint64_t>(d.n)}; }
constexpr Nanos operator-(Instant a, Instant b) { return {static_cast<int64_t>(a.ns - b.ns)}; }
constexpr Nanos operator*(Nanos d, int64_t k) { return {d.n * k}; }
constexpr Nanos operator/(Nanos d, int64_t k) { return {d.n / k}; }

struct WallMs {
  int64_t ms = 0;
  auto operator<=>(const WallMs&) const = default;
};

constexpr Nanos nanoseconds(int64_t n) { return {n}; }
constexpr Nanos microseconds(int64_t n) { return {n * 1'000}; }
constexpr Nanos milliseconds(int64_t n) { return {n * 1'000'000}; }
constexpr Nanos seconds(int64_t n) { return {n * 1'000'000'000}; }

}  // namespace ion
