// Bounds the bytes of segments that wait ready, for all logs of an instance. When there is no room for another one, logs that
// prepared theirs a while ago and have not taken it give it back: they are idle.
// Thread: any; reserve() is BLOCKING.
#pragma once
#include "storage_mmap_metrics.h"

#include <ion/time.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace ion::storage_mmap {

// Whose segments wait ready.
class PreparedOwner {
 public:
  virtual ~PreparedOwner() = default;
  virtual void give_back_prepared() = 0;  // removes them and releases their bytes. BLOCKING
};

class PreparedBudget {
 public:
  PreparedBudget(uint64_t bytes_max, StorageMetrics& metrics) : bytes_max_(bytes_max), metrics_(metrics) {}

  // False: there is no room, and nobody idle holds any. What was reserved is released when it is taken into use or given back.
  bool reserve(const std::shared_ptr<PreparedOwner>& who, uint64_t bytes, Instant now) {
    std::unique_lock lock(mutex_);
    std::erase_if(owners_, [&](const Entry& e) { return e.owner.lock() == who; });
    while (bytes_ + bytes > bytes_max_) {
      if (owners_.empty() || now - owners_.front().since < kIdleAfter) return false;
      const std::shared_ptr<PreparedOwner> oldest = owners_.front().owner.lock();
      owners_.pop_front();
      if (oldest == nullptr) continue;
      lock.unlock();
      oldest->give_back_prepared();
      lock.lock();
    }
    owners_.push_back({who, now});
    add(static_cast<int64_t>(bytes));
    return true;
  }
  void release(uint64_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    add(-static_cast<int64_t>(bytes));
  }
  uint64_t bytes() const noexcept {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  static constexpr Nanos kIdleAfter = seconds(30);
  struct Entry {
    std::weak_ptr<PreparedOwner> owner;
    Instant since;
  };
  void add(int64_t bytes) noexcept {
    bytes_ += static_cast<uint64_t>(bytes);
    metrics_.prepared(bytes_);
  }
  const uint64_t bytes_max_;
  StorageMetrics& metrics_;
  mutable std::mutex mutex_;
  std::deque<Entry> owners_;  // one entry each; who reserved longest ago is in front
  uint64_t bytes_ = 0;
};

}  // namespace ion::storage_mmap
