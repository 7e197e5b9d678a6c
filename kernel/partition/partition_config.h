// What a partition must know of its topic.
#pragma once
#include <cstdint>

namespace ion::partition {

enum class Durability { kFsync, kOs };  // an ack means: fdatasync done; or: in the page cache

struct PartitionConfig {
  Durability durability = Durability::kFsync;
};

}  // namespace ion::partition
