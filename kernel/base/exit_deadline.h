// The last resort of a stop: when it has not ended in time, whatever hangs, a function is called that ends the process. Its thread is made
// at the start, because at the end there may be none to be had.
// Thread: main; `late` runs on a thread of its own.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace ion::base {

class ExitDeadline {
 public:
  static Result<std::unique_ptr<ExitDeadline>> start(std::function<void()> late);
  ~ExitDeadline();  // then `late` is not called any more
  ExitDeadline(const ExitDeadline&) = delete;
  ExitDeadline& operator=(const ExitDeadline&) = delete;

  void arm(Nanos from_now);  // again is nothing new

 private:
  explicit ExitDeadline(std::function<void()> late) : late_(std::move(late)) {}
  void live();

  const std::function<void()> late_;
  std::mutex mutex_;  // what follows, except the thread
  std::condition_variable moved_;
  std::optional<Nanos> armed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace ion::base
