// State of a shard under a lock.
#pragma once

struct Guarded {
  std::mutex lock;  // FAULT
};
