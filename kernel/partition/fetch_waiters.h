// Readers parked until enough bytes are visible or their wait is over.
// Invariant: a waiter is taken exactly once. Thread: shard. Outlived by its Partition.
#pragma once
#include "partition/partition_limits.h"

#include <ion/abi/host/broker_api.h>
#include <ion/ids.h>
#include <ion/op.h>
#include <ion/time.h>

#include <list>
#include <optional>
#include <vector>

namespace ion::partition {

struct ParkedFetch {
  Later later;
  ion_fetch_answer* answer = nullptr;
  Offset offset;
  uint64_t bytes_max = 0;
  uint64_t visible_wanted = 0;  // ripe when the partition's visible bytes reach this
  Instant until;
};

class FetchWaiters {
 public:
  bool full() const noexcept { return parked_.size() >= kFetchesParkedMax; }
  bool empty() const noexcept { return parked_.empty(); }
  void park(ParkedFetch fetch) { parked_.push_back(std::move(fetch)); }
  std::vector<ParkedFetch> take_ripe(uint64_t visible_bytes, Offset high_watermark);
  std::vector<ParkedFetch> take_due(Instant now);
  std::vector<ParkedFetch> take_all();
  std::optional<ParkedFetch> take(uint64_t op_id);
  std::optional<Instant> earliest() const;

 private:
  template <class Ripe>
  std::vector<ParkedFetch> take_where(Ripe ripe);
  std::list<ParkedFetch> parked_;
};

}  // namespace ion::partition
