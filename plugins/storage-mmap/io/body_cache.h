// Bounds how many sealed segments stay mapped: opening one more lets go of one that was not read lately (second chance).
// Thread: any.
#pragma once
#include "io/segment.h"

#include <deque>
#include <memory>
#include <mutex>

namespace ion::storage_mmap {

class BodyCache {
 public:
  explicit BodyCache(size_t segments_max) : segments_max_(segments_max) {}

  // The segment is sealed and has a body from now on.
  void add(const std::shared_ptr<Segment>& segment) {
    std::vector<std::shared_ptr<Segment>> closed;
    {
      const std::lock_guard lock(mutex_);
      if (segment->cached.exchange(true)) return;
      open_.push_back(segment);
      for (size_t left = 2 * open_.size(); open_.size() > segments_max_ && left > 0; --left) {
        std::shared_ptr<Segment> oldest = open_.front().lock();
        open_.pop_front();
        if (oldest == nullptr) continue;
        if (oldest->read_lately.exchange(false, std::memory_order_relaxed) && left > 1) open_.push_back(oldest);
        else oldest->cached.store(false), closed.push_back(std::move(oldest));
      }
    }
    for (const auto& segment_to_close : closed) segment_to_close->drop_body();
  }

 private:
  const size_t segments_max_;
  std::mutex mutex_;
  std::deque<std::weak_ptr<Segment>> open_;  // the longest open first
};

}  // namespace ion::storage_mmap
