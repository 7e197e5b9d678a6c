// One shard: a bounded queue of tasks and a thread that runs them; when nothing is queued or running, the caller may run its task
// itself.
//
// The problem: a hop to another thread costs a wake-up of several microseconds, far more than most tasks. The easy way, "the queue
// is empty, so work here", loses the order: the queue looks empty while a preempted producer has claimed its first cell and not
// filled it, although filled cells stand behind. So the gate counts a task before it is queued, and only who takes the count
// from 0 to 1 owns the shard. The owner runs what is there until leave() says that nothing is left. Source: mailboxes of actors.
//
// Invariants: tasks never overlap; tasks of one producer run in its order, whether it posts or runs; an accepted task runs exactly
// once. A caller inside run hands the shard over to the shard's thread after kInlineTasksMax further tasks.
// Thread: post and run any; drain the control thread. Outlives every thread that may call it.
#pragma once
#include "base/task_gate.h"
#include "base/waker.h"

#include <ion/abi/host/executors.h>
#include <ion/bounded_queue.h>
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <memory>
#include <thread>

namespace ion::base {

struct ShardOptions {
  uint32_t tasks_max = 4096;  // waiting and running
  uint32_t spins = 0;         // looks before the thread sleeps; measured: tests/bench/hop_bench.cpp
};

class Shard {
 public:
  static constexpr uint32_t kInlineTasksMax = 64;

  static Result<std::unique_ptr<Shard>> start(ShardId id, const ShardOptions& options);
  ~Shard();  // closes, and waits for what was accepted without a limit: drain first where that matters
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // OVERLOADED when tasks_max are inside, CLOSED after close: then `fn` never runs.
  Status post(ion_fn fn, void* ctx) noexcept;
  // Here and now if the shard is idle, else as post. From a task of this shard it is always a post.
  Status run(ion_fn fn, void* ctx) noexcept;

  void close() noexcept { gate_.close(); }
  // After close: runs what was accepted, in order, and ends the thread. DEADLINE: a task still runs or waits; may be asked again.
  Status drain(Nanos limit);

  ShardId id() const noexcept { return id_; }
  uint32_t inside() const noexcept { return gate_.inside(); }  // a moment's view, for a metric

 private:
  struct Task {
    ion_fn fn = nullptr;
    void* ctx = nullptr;
  };
  Shard(ShardId id, const ShardOptions& options);
  Status refused(TaskGate::Entry why) const;
  void enqueue(Task task) noexcept;
  void run_inline(uint32_t tasks_max) noexcept;
  void serve() noexcept;
  void live();
  void end_thread();

  const ShardId id_;
  TaskGate gate_;
  BoundedQueue<Task> queue_;
  Waker waker_;  // called: the thread owns the shard, or is to end
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace ion::base
