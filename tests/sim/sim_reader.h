// Clients that read through the broker API: one that follows the end of a partition and waits there, and a read from end to end.
#pragma once
#include "sim/history.h"
#include "sim/sim_broker.h"

#include <memory>
#include <string>

namespace ion::sim {

struct PartitionName {
  std::string topic;
  int32_t partition = 0;
  auto operator<=>(const PartitionName&) const = default;
  std::string text() const { return topic + "/" + std::to_string(partition); }
};

// Waits at the end of a partition, for longer than it should ever have to: whoever acknowledged a record owes it to this one at once.
class SimFollower : public std::enable_shared_from_this<SimFollower> {
 public:
  SimFollower(Stage& stage, SimBroker& broker, History& history, PartitionName partition)
      : stage_(stage), broker_(broker), history_(history), partition_(std::move(partition)) {}
  // Begins, or begins again after the broker went down, at the end of the partition.
  void follow(uint64_t log, int64_t from);
  // A record was acknowledged: it must be answered within `kOwedWithin`.
  void acknowledged(uint64_t log, int64_t offset);
  const PartitionName& partition() const { return partition_; }

 private:
  static constexpr Nanos kOwedWithin = milliseconds(100);
  void fetch();
  void answered(const ExchangeOf<Verb::fetch>& x);

  Stage& stage_;
  SimBroker& broker_;
  History& history_;
  const PartitionName partition_;
  uint64_t log_ = 0, life_ = 0, asked_ = 0;
  int64_t at_ = 0;
  bool follows_ = false;
};

// Reads what is there and tells the history. False: it came to no end, since the machine went down, or records were deleted meanwhile.
bool scan(SimBroker& broker, History& history, const PartitionName& partition, uint64_t log, int64_t from, int64_t end);

}  // namespace ion::sim
