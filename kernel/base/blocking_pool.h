// The threads that may wait for a disk: k of them, never more, behind one bounded queue. Jobs start in order and overlap.
// Thread: post any; close and drain the control thread. Outlives every thread that may call it.
#pragma once
#include "base/task_gate.h"

#include <ion/abi/host/executors.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <memory>

namespace ion::base {

struct BlockingPoolOptions {
  uint32_t threads = 4;
  uint32_t jobs_max = 4096;  // waiting and running
};

class BlockingPool {
 public:
  static Result<std::unique_ptr<BlockingPool>> start(const BlockingPoolOptions& options);
  ~BlockingPool();  // closes, and waits for what was accepted without a limit
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // OVERLOADED when jobs_max are inside, CLOSED after close: then `fn` never runs.
  Status post(ion_fn fn, void* ctx);

  void close() noexcept { gate_.close(); }
  // After close: runs what was accepted and ends the threads. DEADLINE: a job still runs or waits; may be asked again.
  Status drain(Nanos limit);


 private:
  struct Threads;
  explicit BlockingPool(const BlockingPoolOptions& options);

  TaskGate gate_;
  std::unique_ptr<Threads> threads_;
};

}  // namespace ion::base
