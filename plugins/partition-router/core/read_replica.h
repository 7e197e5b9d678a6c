// Which replica a reader should ask: one of its own rack if there is one, else the leader. Pure.
#pragma once
#include <ion/contract/router.h>

namespace ion::partition_router {

Result<NodeId> read_replica(const ion_replica_req& request);

}  // namespace ion::partition_router
