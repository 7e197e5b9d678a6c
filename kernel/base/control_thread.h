// The one control thread: runs the steps of plugins (create, start, drain, destroy) one after another, each with a deadline.
// A step that does not come back cannot be stopped; its thread is left to it, and the next step gets a new thread. So a step
// owns what it touches: it may still write there when everybody else has given it up.
// Thread: run from one thread at a time.
#pragma once
#include <ion/time.h>

#include <functional>
#include <memory>

namespace ion::base {

class ControlThread {
 public:
  ControlThread() = default;
  ~ControlThread();
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

  // False: `deadline` passed first. `step` may run on for ever and is kept alive until it ends.
  bool run(std::function<void()> step, Nanos deadline);

 private:
  struct Lane;
  std::shared_ptr<Lane> lane_;  // shared with its thread, which may outlive this object
};

}  // namespace ion::base
