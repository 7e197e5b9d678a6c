// Counts who uses a log off its shard, so that it is closed by whoever is last: the closer, a reader, or one that came too late.
// Each arrive() is followed by one depart(), whatever it answered.
// Thread: any; close() once.
#pragma once
#include <atomic>
#include <cstdint>

namespace ion::partition {

class LogUsers {
 public:
  // False: the log is closed and may not be used.
  bool arrive() noexcept { return users_.fetch_add(1, std::memory_order_acq_rel) >= 0; }
  // True: it is closed and this was the last one, who closes the log.
  bool depart() noexcept { return users_.fetch_sub(1, std::memory_order_acq_rel) == kClosed + 1; }
  // Nobody is let in any more. True: nobody uses it, and the caller closes the log.
  bool close() noexcept { return users_.fetch_or(kClosed, std::memory_order_acq_rel) == 0; }

 private:
  static constexpr int64_t kClosed = INT64_MIN;  // added by close()
  std::atomic<int64_t> users_{0};
};

}  // namespace ion::partition
