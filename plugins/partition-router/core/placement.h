// Where the replicas of a new topic go: leaders spread over brokers, replicas of one partition over racks, light brokers first.
// Pure: brokers, racks, loads and a seed in, rows out; the answer is stored by who asked and never computed again.
#pragma once
#include <ion/contract/router.h>

#include <vector>

namespace ion::partition_router {

// INVALID when there are fewer brokers than replicas.
Result<std::vector<NodeId>> place(const PlaceRequest& request);

}  // namespace ion::partition_router
