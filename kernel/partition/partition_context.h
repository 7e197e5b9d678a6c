// What the parts of a partition (its log, its role) ask of the partition that they belong to.
// Thread: on_shard() and alive() from ANY, the rest on the shard.
#pragma once
#include "observe/health.h"
#include "partition/partition_metrics.h"
#include "partition/space_watch.h"

#include <ion/ids.h>
#include <ion/ports.h>

#include <functional>
#include <memory>

namespace ion::partition {

struct CompactionServices;

// What every partition of a broker shares; outlives them all.
struct PartitionServices {
  Executor& executor;
  Timers& timers;
  Clock& clock;
  Logger& logger;
  PartitionMetrics& metrics;
  observe::Health& health;
  SpaceWatch& space;  // told of every refusal for want of space
  CompactionServices* compaction = nullptr;  // null: the storage cannot replace parts of a log
};

class PartitionContext {
 public:
  // Never refused: a full queue is asked again until it takes the work.
  virtual void on_shard(std::function<void()> work) = 0;
  // Held by an operation in flight, so that its completion finds the partition.
  virtual std::shared_ptr<PartitionContext> alive() = 0;

  virtual bool serving() const = 0;  // false: it is closing, nothing new begins
  virtual Offset high_watermark() const = 0;
  // Everything below is visible to readers now. `bytes`: appended since the start, up to there. Never backwards.
  virtual void advance(Offset high_watermark, uint64_t bytes) = 0;
  // An operation of a part has ended: a partition that closes goes on when none is left.
  virtual void operation_ended() = 0;

 protected:
  ~PartitionContext() = default;
};

}  // namespace ion::partition
