// Where the calling thread is: on a shard, in the blocking pool, the control thread, or foreign. Behind ion.threads/1.
// For checks and for rules of the executor, never for decisions of a protocol. The only thread_local of the kernel.
#pragma once
#include <ion/abi/host/threads.h>

#include <cstdint>

namespace ion::base {

constexpr uint32_t kNoShard = UINT32_MAX;

struct ThreadPlace {
  ion_word word = ION_WORD_FOREIGN;
  uint32_t shard = kNoShard;
  const char* plugin = nullptr;  // whose code the thread runs, for the last words of a process; lives as long as the thread is there. null: nobody's
};

ThreadPlace current_place() noexcept;

// The thread is at `place` while this lives; then where it was before. A thread that runs work of an idle shard nests them.
class PlaceScope {
 public:
  explicit PlaceScope(ThreadPlace place) noexcept;
  ~PlaceScope();
  PlaceScope(const PlaceScope&) = delete;
  PlaceScope& operator=(const PlaceScope&) = delete;

 private:
  const ThreadPlace before_;
};

// The name that top and a debugger show; at most 15 characters are kept.
void name_this_thread(const char* name) noexcept;

}  // namespace ion::base
