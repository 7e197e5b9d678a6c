// The one control thread: runs the steps of plugins (create, start, drain, destroy) one after another, each with a deadline.
// A step that does not come back cannot be stopped; its thread is left to it, and the next step gets a new thread. So a step
// owns what it touches: it may still write there when everybody else has given it up.
// Owner: PluginHost, which calls from one thread at a time.
#pragma once
#include <ion/time.h>

#include <functional>
#include <memory>

namespace ion::host {

class ControlThread {
 public:
  // `deadline` 0: steps run on the caller's thread and have none (simulators, where time does not pass by itself).
  explicit ControlThread(Nanos deadline);
  ~ControlThread();
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

  // False: the deadline passed first. `step` may run on for ever and is kept alive until it ends.
  bool run(std::function<void()> step);
  Nanos deadline() const noexcept { return deadline_; }

 private:
  struct Lane;
  const Nanos deadline_;
  std::shared_ptr<Lane> lane_;  // shared with its thread, which may outlive this object
};

}  // namespace ion::host
