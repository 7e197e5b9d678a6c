#include "base/freed_memory.h"

#include "base/process.h"
#include "base/system_clock.h"
#include "base/thread_place.h"

#include <fmt/format.h>

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <exception>

namespace ion::base {
namespace {

constexpr Nanos kEvery = seconds(2);
constexpr uint64_t kWorthBytes = 8ULL << 20;
constexpr int64_t kQuietPart = 5;  // of a core

Nanos process_cpu() {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) != 0) return {};
  return {(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000'000 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1'000};
}

// 0 for an allocator that does not say: then nothing is known to be freed.
uint64_t used_bytes() {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

uint64_t freed_bytes() {
  const uint64_t resident = resident_bytes(), used = used_bytes();
  return resident > used ? resident - used : 0;
}

void give_back() {
#if defined(__GLIBC__)
  (void)::malloc_trim(0);
#endif
}

}  // namespace

bool worth_giving_back(const MemoryLook& look) {
  return look.used_bytes != 0 && look.resident_bytes > look.used_bytes + kWorthBytes && look.cpu.n * kQuietPart < look.since.n;
}

Result<std::unique_ptr<FreedMemory>> FreedMemory::start() {
  std::unique_ptr<FreedMemory> made(new FreedMemory);
  try {
    made->thread_ = std::thread([at = made.get()] { at->live(); });
  } catch (const std::exception& e) {
    return Status(ION_E_OVERLOADED, fmt::format("giving back memory: wanted a thread: {}", e.what()));
  }
  return made;
}

FreedMemory::~FreedMemory() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    moved_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void FreedMemory::live() {
  name_this_thread("ion-memory");
  SystemClock clock;
  Nanos cpu = process_cpu();
  Instant looked = clock.now();
  uint64_t stuck = 0;  // freed, and not given back by the last attempt: it lies in pages that are in use
  std::unique_lock lock(mutex_);
  while (!moved_.wait_for(lock, std::chrono::nanoseconds(kEvery.n), [this] { return over_; })) {
    const Nanos cpu_now = process_cpu();
    const Instant now = clock.now();
    if (freed_bytes() > stuck + kWorthBytes && worth_giving_back({resident_bytes(), used_bytes(), {cpu_now.n - cpu.n}, now - looked})) {
      give_back();
      stuck = freed_bytes();
    }
    stuck = std::min(stuck, freed_bytes());
    cpu = process_cpu(), looked = clock.now();
  }
}

}  // namespace ion::base
