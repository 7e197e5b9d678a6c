// A fetch: find the partition, bound the request, read or park, then ask the interceptors of the hook FETCH. Knows the parked ones by op id, so that they can be cancelled.
// Thread: ANY.
#pragma once
#include "pipeline/pipeline_services.h"

#include <ion/contract/broker_api.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

namespace ion::pipeline {

class FetchPath {
 public:
  explicit FetchPath(const PipelineServices& pipeline) : services_(pipeline) {}
  Answer fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a);
  Status cancel(uint64_t op_id);  // NOT_FOUND: it is over

 private:
  Answer read(Op& op, const ion_fetch_req& r, ion_fetch_answer& a);
  struct Waiting {
    explicit Waiting(partition::PartitionPtr at) : where(std::move(at)) {}
    const partition::PartitionPtr where;
    std::atomic<bool> cancelled{false};  // asked by the partition before it parks: it may be cancelled while it still reads
  };
  // Fetches that may wait, by op id. Touched once when such a fetch begins and once when it ends, never per record.
  struct Slice {
    std::mutex mutex;
    std::map<uint64_t, Waiting> waiting;  // its values do not move
  };
  Slice& slice_of(uint64_t op_id) { return waiting_[op_id % waiting_.size()]; }

  const PipelineServices& services_;
  std::array<Slice, 16> waiting_;
};

}  // namespace ion::pipeline
