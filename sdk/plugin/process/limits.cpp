#include "limits.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ion::process {
namespace {

constexpr uint64_t kStackMin = 256 << 10;

constexpr int kArenasMax = 8;

uint64_t soft_limit(int what) {
  rlimit limit{};
  return ::getrlimit(static_cast<__rlimit_resource_t>(what), &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
}

std::string kib(uint64_t bytes) { return std::to_string(bytes >> 10) + " KiB"; }

}  // namespace

void ignore_write_signals() {
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::signal(SIGXFSZ, SIG_IGN);
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  (void)::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that it takes
  (void)::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  (void)::mallopt(M_ARENA_MAX, std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, kArenasMax));
#endif
}

Status check_stack() {
  const uint64_t there = soft_limit(RLIMIT_STACK);
  if (there >= kStackMin) return {};
  return {ION_E_NO_MEMORY, "the stack of a thread of this process is limited to " + kib(there) + " (ulimit -s), wanted at least " + kib(kStackMin)};
}

Status check_address_space(uint64_t least) {
  const uint64_t there = soft_limit(RLIMIT_AS);
  if (there == UINT64_MAX) return {};
  if (there < least)
    return {ION_E_NO_MEMORY, "the address space of this process is limited to " + kib(there) + " (ulimit -v), wanted at least " + kib(least) +
                                 " for threads, libraries and maps of files"};
#if defined(__GLIBC__)
  (void)::mallopt(M_ARENA_MAX, 1);  // each further one reserves 64 MiB of it
#endif
  return {};
}

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

// Asked one by one: to list those that are open would need one more.
Status check_descriptors(uint64_t more) {
  const uint64_t limit = soft_limit(RLIMIT_NOFILE);
  uint64_t open = 0;
  for (uint64_t number = 0; number < limit; ++number) {
    open += ::fcntl(static_cast<int>(number), F_GETFD) >= 0;
    if (number + 1 - open >= more) return {};
  }
  return {ION_E_OVERLOADED, "wanted " + std::to_string(more) + " open files (descriptors) beside the " + std::to_string(open) +
                                " that are open, this process may have " + std::to_string(limit) + " in all (ulimit -n)"};
}

Status check_threads(uint32_t count) {
  std::mutex mutex;
  std::condition_variable moved;
  bool over = false;
  std::vector<std::thread> threads;
  std::string refused;
  try {
    threads.reserve(count);
    while (threads.size() < count)
      threads.emplace_back([&] {
        std::unique_lock lock(mutex);
        moved.wait(lock, [&] { return over; });
      });
  } catch (const std::exception& e) {
    refused = e.what();
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
    moved.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
  if (refused.empty()) return {};
  return {ION_E_OVERLOADED, "wanted " + std::to_string(count) + " threads, the system gave " + std::to_string(threads.size()) + ": " + refused +
                                " (ulimit -u, ulimit -v, ulimit -d, or the pids.max of a container)"};
}

}  // namespace ion::process
