// What a partition must know of its topic.
#pragma once
#include "partition/core/compaction_plan.h"
#include "partition/core/retention_plan.h"

#include <cstdint>

namespace ion::partition {

enum class Durability { kFsync, kOs };  // an ack means: fdatasync done; or: in the page cache

struct PartitionConfig {
  Durability durability = Durability::kFsync;
  RetentionRules retention;
  CompactionRules compaction;
  Nanos producer_expiry{};     // of who appended nothing for so long; 0: never
  uint64_t segment_bytes = 0;  // 0: the storage's own setting
  bool append_time = false;    // the broker's clock gives the time of records, and not their producer
};

}  // namespace ion::partition
