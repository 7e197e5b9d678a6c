// SIGTERM, SIGINT and SIGHUP as calls on the loop's thread, and the place where main waits for the end.
// The callback hears every signal, the second SIGTERM too; whether that one ends the process at once is main's decision.
// Thread: request_stop any; wait main. Destroyed after loop.stop(). One per process: signals have no other owner.
#pragma once
#include "base/io_loop.h"

#include <ion/result.h>
#include <ion/time.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace ion::base {

class Signals {
 public:
  using Callback = std::function<void(int signal)>;

  // Short and never blocking: it runs on the loop's thread.
  static Result<std::unique_ptr<Signals>> start(IoLoop& loop, Callback on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The first SIGTERM or SIGINT, or what request_stop said. It has no limit: this is the life of the process.
  int wait_for_stop();
  std::optional<int> wait_for_stop(Nanos limit);
  // As if `signal` had come, without the callback: a fatal fault ends the process the same way.
  void request_stop(int signal);

 private:
  struct Set;
  Signals(IoLoop& loop, Callback on_signal);
  void listen();

  IoLoop& loop_;
  const Callback on_signal_;
  std::unique_ptr<Set> set_;  // the loop's thread only, once started

  std::mutex mutex_;
  std::condition_variable stop_came_;
  std::optional<int> stop_;
};

}  // namespace ion::base
