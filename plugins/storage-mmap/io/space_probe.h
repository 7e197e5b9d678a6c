// Finds out whether the disk has space again: makes and removes a file as large as the largest that was refused. What the file system
// calls free need not be ours (quotas, reserved blocks), so asking it would not do.
// As long as the file is there it may take what a log asks for; allocate() sees to it that a segment is not refused for that.
// Thread: any, unless said otherwise.
#pragma once
#include "core/roll_policy.h"

#include <ion/ports.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace ion::storage_mmap {

class SpaceProbe {
 public:
  // `log` found no space for a file of `bytes`.
  void refused(const std::string& log, uint64_t bytes);
  // It wants none any more: it was closed or removed.
  void forget(const std::string& log);
  // OK: what was refused would be taken now; NO_SPACE: not yet; BUSY: a log is trying just now, so ask again. BLOCKING
  Status run(Files& files, const SpaceRules& rules);
  // `make()` makes a segment and answers a Status or a Result of it. If a probe ran meanwhile, a NO_SPACE may be its fault: `make` runs
  // once more, behind it, and no other probe begins until it has. BLOCKING
  template <class Make>
  auto allocate(Make&& make) {
    const uint64_t before = steps_.load(std::memory_order_acquire);
    auto made = make();
    if (!is_full(made) || (is_quiet(before) && before == steps_.load(std::memory_order_acquire))) return made;
    const SecondTry no_probe_meanwhile(*this);
    return make();
  }

 private:
  // Begins when no probe runs.
  class SecondTry {
   public:
    explicit SecondTry(SpaceProbe& of) : of_(of) {
      const std::lock_guard probe_has_ended(of_.mutex_);
      of_.second_tries_.fetch_add(1, std::memory_order_relaxed);  // run() reads it under the same lock
    }
    ~SecondTry() { of_.second_tries_.fetch_sub(1, std::memory_order_relaxed); }
    SecondTry(const SecondTry&) = delete;

   private:
    SpaceProbe& of_;
  };

  static bool is_quiet(uint64_t steps) { return steps % 2 == 0; }
  static bool is_full(const Status& made) { return made.code() == ION_E_NO_SPACE; }
  template <class T>
  static bool is_full(const Result<T>& made) { return !made && made.error().code() == ION_E_NO_SPACE; }
  uint64_t largest() const;
  void found(uint64_t bytes);

  std::mutex mutex_;                // one probe at a time; held across I/O by blocking jobs alone
  std::atomic<uint32_t> second_tries_{0};  // bounded by the blocking jobs
  std::atomic<uint64_t> steps_{0};  // odd while the file of a probe is there
  mutable std::mutex refused_mutex_;
  std::map<std::string, uint64_t> refused_;  // log, the most that it was refused; bounded by the logs that are open
};

}  // namespace ion::storage_mmap
