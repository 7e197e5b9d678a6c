// Some bytes of the data directory's disk, kept for what makes space: a topic can be deleted although the disk is full, because the
// metadata log finds these bytes then. A file holds them. It goes when they are lent and is made again when the disk has space.
// Thread: ANY, unless said otherwise. Outlives the controller and the work of the broker.
#pragma once
#include "cluster/controller.h"

#include <ion/ports.h>

#include <atomic>
#include <functional>
#include <mutex>

namespace ion {

class SpaceReserve final : public cluster::DeleteReserve {
 public:
  static constexpr std::string_view kPath = "reserve";
  // The metadata log writes its term, makes a segment of at most 1 MiB and may need further marks: less than these bytes.
  static constexpr uint64_t kBytes = uint64_t{2} << 20;

  // `files`: of the data directory; all three outlive it.
  SpaceReserve(Files& files, Executor& executor, Logger& logger) : files_(files), executor_(executor), logger_(logger) {}

  // Sees to it that the file is there with all its bytes. NO_SPACE: the disk has not got them, or they are lent. BLOCKING
  Status keep();

  void lend(std::function<void()> lent) override;
  void put_back() noexcept override { lent_.fetch_sub(1, std::memory_order_acq_rel); }

 private:
  void give_up();
  Files& files_;
  Executor& executor_;
  Logger& logger_;
  std::mutex mutex_;           // of the file; held across I/O by blocking jobs alone
  std::atomic<int> lent_{0};   // how many use the bytes now
};

}  // namespace ion
