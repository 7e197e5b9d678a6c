#include "base/exit_deadline.h"

#include "base/thread_place.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>

namespace ion::base {

Result<std::unique_ptr<ExitDeadline>> ExitDeadline::start(std::function<void()> late) {
  std::unique_ptr<ExitDeadline> made(new ExitDeadline(std::move(late)));
  try {
    made->thread_ = std::thread([at = made.get()] { at->live(); });
  } catch (const std::exception& e) {
    return Status(ION_E_OVERLOADED, fmt::format("the deadline of a stop: wanted a thread: {}", e.what()));
  }
  return made;
}

ExitDeadline::~ExitDeadline() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    moved_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void ExitDeadline::arm(Nanos from_now) {
  const std::lock_guard lock(mutex_);
  if (armed_) return;
  armed_ = from_now;
  moved_.notify_all();
}

void ExitDeadline::live() {
  name_this_thread("ion-exit");
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [this] { return over_ || armed_; });
  if (over_ || moved_.wait_for(lock, std::chrono::nanoseconds(armed_->n), [this] { return over_; })) return;
  lock.unlock();
  late_();
}

}  // namespace ion::base
