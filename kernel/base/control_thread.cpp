#include "base/control_thread.h"

#include "base/thread_place.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace ion::base {

struct ControlThread::Lane {
  std::mutex mutex;
  std::condition_variable moved;
  std::function<void()> step;  // waiting or running
  bool stop = false;           // after the step that runs now
  std::thread thread;

  static void serve(const std::shared_ptr<Lane>& lane) {
    const PlaceScope place({ION_WORD_CONTROL, kNoShard});
    name_this_thread("ion-control");
    std::unique_lock lock(lane->mutex);
    for (;;) {
      lane->moved.wait(lock, [&] { return lane->stop || lane->step; });
      if (!lane->step) return;
      lock.unlock();
      lane->step();
      lock.lock();
      lane->step = nullptr;
      lane->moved.notify_all();
    }
  }
};

ControlThread::~ControlThread() {
  if (!lane_) return;
  {
    const std::lock_guard lock(lane_->mutex);
    lane_->stop = true;
    lane_->moved.notify_all();
  }
  lane_->thread.join();
}

bool ControlThread::run(std::function<void()> step, Nanos deadline) {
  if (!lane_) {
    lane_ = std::make_shared<Lane>();
    lane_->thread = std::thread([lane = lane_] { Lane::serve(lane); });
  }
  std::unique_lock lock(lane_->mutex);
  lane_->step = std::move(step);
  lane_->moved.notify_all();
  if (lane_->moved.wait_for(lock, std::chrono::nanoseconds(deadline.n), [&] { return !lane_->step; })) return true;
  lane_->stop = true;
  lane_->thread.detach();
  lock.unlock();
  lane_.reset();
  return false;
}

}  // namespace ion::base
