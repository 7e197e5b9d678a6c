#include "base/system_clock.h"

#include <ion/assert.h>

#include <ctime>

namespace ion::base {
namespace {

timespec read(clockid_t clock) {
  timespec t{};
  ION_ASSERT(::clock_gettime(clock, &t) == 0);  // both clocks exist on every Linux
  return t;
}

}  // namespace

Instant SystemClock::now() {
  const timespec t = read(CLOCK_MONOTONIC);
  return {static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec)};
}

Nanos SystemClock::thread_cpu() {
  const timespec t = read(CLOCK_THREAD_CPUTIME_ID);
  return {static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec};
}

WallMs SystemClock::wall() {
  const timespec t = read(CLOCK_REALTIME);
  return {static_cast<int64_t>(t.tv_sec) * 1'000 + t.tv_nsec / 1'000'000};
}

}  // namespace ion::base
