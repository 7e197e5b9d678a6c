// What has been started, and how each of it is stopped: newest first. A start pushes one line before each thing that must be
// undone, so that a start that fails half-way and a stop of the whole are the same.
// Thread: main.
#pragma once
#include <ion/ports.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace ion {

class StopOrder {
 public:
  void push(std::string what, std::function<Status()> stop) { steps_.push_back({std::move(what), std::move(stop)}); }

  bool empty() const { return steps_.empty(); }

  // Goes on after a failure and answers the first. Afterwards there is nothing left to stop.
  Status run(Logger& logger) {
    Status first;
    while (!steps_.empty()) {
      const Step step = std::move(steps_.back());
      steps_.pop_back();
      logger.write(LogLevel::kDebug, "stopping", {{"what", step.what}});
      Status stopped = step.stop();
      if (stopped.ok()) continue;
      logger.error("could not stop in order", {{"what", step.what}, {"why", stopped.text()}});
      if (first.ok()) first = std::move(stopped);
    }
    return first;
  }

 private:
  struct Step {
    std::string what;
    std::function<Status()> stop;
  };
  std::vector<Step> steps_;
};

}  // namespace ion
