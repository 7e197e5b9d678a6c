// Watches whether the storage of this broker has space. Whoever was refused with NO_SPACE says so here; from then on the broker does
// not serve for writes, by one health reason however many logs were refused, and the storage is asked once a second whether it would
// take now what it refused. Its yes ends the reason, if nobody was refused meanwhile. While all is well nothing is asked but by look().
//
//   well ──refused──▶ full ──(each second: storage says yes, nobody refused since, no sync waits)──▶ well
//
// Thread: any. Outlives the partitions and the controller; destroyed when neither timers nor work run any more.
#pragma once
#include "observe/health.h"

#include <ion/ids.h>
#include <ion/ports.h>

#include <atomic>
#include <functional>
#include <string_view>

namespace ion::partition {

class SpaceWatch {
 public:
  static constexpr std::string_view kHealthPart = "storage";
  static constexpr Nanos kAskEvery = seconds(1);

  // Asks the storage; the answer on any thread: OK, NO_SPACE, or UNSUPPORTED when it cannot tell.
  using Ask = std::function<void(std::function<void(Status)>)>;
  struct Services {
    Timers& timers;
    Clock& clock;
    Logger& logger;
    observe::Health& health;
    ShardId shard;  // where its timer fires
    Ask ask;
  };
  explicit SpaceWatch(Services services) : services_(std::move(services)) {}
  SpaceWatch(const SpaceWatch&) = delete;
  SpaceWatch& operator=(const SpaceWatch&) = delete;

  // Asks the storage now: its NO_SPACE counts as a refusal of `who`. `done` on any thread, when that is told.
  void look(std::string_view who, std::function<void()> done);
  // `who`: "partition orders/0".
  void refused(std::string_view who, const Status& why);
  // One that was refused has been taken: stands for a yes of a storage that cannot tell.
  void taken() noexcept { taken_.store(true, std::memory_order_relaxed); }
  // A sync waits for space and is tried again by who asked for it; each begin has one end.
  void sync_wait_began(std::string_view who, const Status& why);
  void sync_wait_ended() noexcept { syncs_waiting_.fetch_sub(1, std::memory_order_acq_rel); }
  bool full() const noexcept { return full_.load(std::memory_order_acquire); }

 private:
  void begin(std::string_view who, const Status& why);
  void arm();
  void due();
  void answered(uint64_t refusals_before, const Status& status);

  const Services services_;
  std::atomic<bool> full_{false}, taken_{false};
  std::atomic<uint64_t> refusals_{0};
  std::atomic<int64_t> syncs_waiting_{0};
};

}  // namespace ion::partition
