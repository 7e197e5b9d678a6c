// What has been started, and how each of it is stopped: newest first. A start pushes one line before each thing that must be
// undone, so that a start that fails half-way and a stop of the whole are the same. All steps share one limit: each hears how much of it
// is left, and is not begun when nothing is.
// Thread: main.
#pragma once
#include <ion/ports.h>

#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace ion {

class StopOrder {
 public:
  // `stop` ends within the time that it is given, which is more than 0.
  using Step = std::function<Status(Nanos left)>;
  void push(std::string what, Step stop) { steps_.push_back({std::move(what), std::move(stop)}); }

  bool empty() const { return steps_.empty(); }

  // Goes on after a failure and answers the first. Afterwards there is nothing left to stop. A step that came too late to be begun is a
  // failure with DEADLINE.
  Status run(Logger& logger, Clock& clock, Nanos limit) {
    const Instant end = clock.now() + limit;
    Status first;
    while (!steps_.empty()) {
      const Named step = std::move(steps_.back());
      steps_.pop_back();
      logger.write(LogLevel::kDebug, "stopping", {{"what", step.what}});
      const Nanos left = end - clock.now();
      Status stopped = left.n > 0 ? step.stop(left) : Status(ION_E_DEADLINE, fmt::format("it was not begun: what stopped before it took the whole {:g} s", limit.seconds()));
      if (stopped.ok()) continue;
      logger.error("could not stop in order", {{"what", step.what}, {"why", stopped.text()}});
      if (first.ok()) first = std::move(stopped);
    }
    return first;
  }

 private:
  struct Named {
    std::string what;
    Step stop;
  };
  std::vector<Named> steps_;
};

}  // namespace ion
