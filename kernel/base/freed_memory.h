// Gives memory that was freed back to the system when the process is quiet. Under load it stays with the process (process::keep_freed_memory), since
// faulting it in again for the next messages costs throughput; nobody needs it when the load is over.
// It looks every two seconds on a thread of its own, which costs microseconds.
// Thread: main.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace ion::base {

// What one look saw.
struct MemoryLook {
  uint64_t resident_bytes = 0;  // of the process, without maps of files
  uint64_t used_bytes = 0;      // what the allocator has given out
  Nanos cpu{};                  // that the process has used since the look before
  Nanos since{};                // time since the look before
};
// Freed memory is worth the work from 8 MiB on, and the process is quiet below a fifth of a core.
bool worth_giving_back(const MemoryLook& look);

class FreedMemory {
 public:
  static Result<std::unique_ptr<FreedMemory>> start();
  ~FreedMemory();
  FreedMemory(const FreedMemory&) = delete;
  FreedMemory& operator=(const FreedMemory&) = delete;

 private:
  FreedMemory() = default;
  void live();

  std::mutex mutex_;
  std::condition_variable moved_;
  bool over_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace ion::base
