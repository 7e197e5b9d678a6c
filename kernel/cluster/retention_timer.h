// Has every partition of this broker looked at every few seconds: whether something of it may be deleted or compacted by now.
// Thread: start and stop on the control shard; stop before what `look` uses goes.
#pragma once
#include <ion/ports.h>
#include <ion/thread_role.h>

#include <functional>

namespace ion::cluster {

inline constexpr Nanos kRetentionPause = seconds(5);  // between two looks

class RetentionTimer {
 public:
  struct Services {
    Timers& timers;
    Clock& clock;
    Logger& logger;
    ShardId control;
  };
  RetentionTimer(Services services, std::function<void()> look) : services_(services), look_(std::move(look)) {}
  ~RetentionTimer() { ION_ASSERT(timer_ == nullptr); }
  RetentionTimer(const RetentionTimer&) = delete;
  RetentionTimer& operator=(const RetentionTimer&) = delete;

  void start() ION_ON(control_role) {
    running_ = true;
    arm();
  }
  void stop() ION_ON(control_role) {
    running_ = false;
    if (timer_ != nullptr) (void)services_.timers.disarm(std::exchange(timer_, nullptr));  // on this shard: it has fired, or never will
  }

 private:
  void arm() ION_ON(control_role) {
    const auto armed = services_.timers.arm(
        services_.control, services_.clock.now() + kRetentionPause,
        [](void* ctx) noexcept {
          RoleScope scope(control_role);
          static_cast<RetentionTimer*>(ctx)->fired();
        },
        this);
    if (armed) timer_ = *armed;
    else services_.logger.error("no timer is left for retention: nothing is deleted by it or compacted until a restart", {{"why", armed.error().text()}});
  }
  void fired() ION_ON(control_role) {
    timer_ = nullptr;
    if (!running_) return;
    look_();
    arm();
  }

  const Services services_;
  const std::function<void()> look_;
  TimerHandle timer_ = nullptr;
  bool running_ = false;
};

}  // namespace ion::cluster
