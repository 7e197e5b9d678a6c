// Bounds the bytes of segments that wait ready, for all logs of an instance. When there is no room for another one, the logs that
// prepared theirs longest ago give them back: they are idle, since a busy log takes what it prepared.
// Thread: any; reserve() is BLOCKING.
#pragma once
#include "storage_mmap_metrics.h"

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

  // False: there is no room, and nobody else holds any. What was reserved is released when it is taken into use or given back.
  bool reserve(const std::shared_ptr<PreparedOwner>& who, uint64_t bytes) {
    std::unique_lock lock(mutex_);
    std::erase_if(owners_, [&](const Entry& e) { return e.lock() == who; });
    while (bytes_ + bytes > bytes_max_) {
      if (owners_.empty()) return false;
      const std::shared_ptr<PreparedOwner> oldest = owners_.front().lock();
      owners_.pop_front();
      if (oldest == nullptr) continue;
      lock.unlock();
      oldest->give_back_prepared();
      lock.lock();
    }
    owners_.push_back(who);
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
  using Entry = std::weak_ptr<PreparedOwner>;
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
