#include "core/read_replica.h"

namespace ion::partition_router {

Result<NodeId> read_replica(const ion_replica_req& r) {
  if (r.nreplicas == 0) return Status(ION_E_INVALID, "replica choice: the list of replicas is empty");
  ION_ASSERT(r.replicas != nullptr);
  const std::string_view rack = text_of(r.client_rack);
  if (!rack.empty() && r.racks != nullptr)
    for (uint32_t i = 0; i < r.nreplicas; ++i)
      if (text_of(r.racks[i]) == rack) return NodeId{r.replicas[i]};
  return NodeId{r.replicas[0]};
}

}  // namespace ion::partition_router
