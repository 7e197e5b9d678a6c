// A step about once a second on the plugin's home shard, while there is something to do. One timer; stop() answers when it is gone.
// Thread: start and stop on the control thread; everything else on the home shard.
#pragma once
#include <ion/bridge/services_bridge.h>
#include <ion/op.h>

#include <atomic>
#include <functional>

namespace ion::transport_grpc {

class Ticker {
 public:
  Ticker(ImportedExecutor& executor, Timers& timers, Clock& clock, std::function<void(Instant)> step)
      : executor_(executor), timers_(timers), clock_(clock), step_(std::move(step)) {}

  Status start();
  void stop(Later later);  // completes on the shard, or at once if it never started

 private:
  static void fired(void* self) noexcept;
  void arm();
  void stop_on_shard();

  ImportedExecutor& executor_;
  Timers& timers_;
  Clock& clock_;
  const std::function<void(Instant)> step_;
  std::atomic<bool> started_{false};
  // On the shard.
  TimerHandle timer_ = nullptr;
  bool stopping_ = false;
  Later stopped_;
};

}  // namespace ion::transport_grpc
