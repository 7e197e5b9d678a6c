// Tells when nobody uses the older of two generations any more. Whoever uses it holds a part of it; the last one to let go calls gone().
// Thread: gone() from any, once; wait() never from work of the executor that it may wait for.
#pragma once
#include "base/world.h"

#include <condition_variable>
#include <mutex>

namespace ion::pipeline {

class Departure {
 public:
  void gone() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    moved_.notify_all();
  }
  // False: `limit` passed first, and somebody uses it still.
  bool wait(World& world, Nanos limit) {
    std::unique_lock lock(mutex_);
    return world.await(lock, moved_, limit, [this] { return gone_; });
  }
  bool is_gone() {
    const std::lock_guard lock(mutex_);
    return gone_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  bool gone_ = false;
};

}  // namespace ion::pipeline
