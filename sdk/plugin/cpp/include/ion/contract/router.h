// ion.router/1 in C++: pure and quick. Promises: ion/abi/contract/router.h.
#pragma once
#include <ion/abi/contract/router.h>
#include <ion/bytes.h>
#include <ion/ids.h>
#include <ion/result.h>

#include <span>
#include <string_view>
#include <vector>

namespace ion {

struct PlaceRequest {
  uint32_t partitions = 0, replication = 0;
  std::span<const ion_place_broker> brokers;
  uint64_t seed = 0;
};
class Router {  // ANY
 public:
  virtual ~Router() = default;
  virtual Result<PartitionId> partition(std::string_view topic, std::span<const uint8_t> key, uint32_t partitions) = 0;
  // partitions x replication nodes, row by row, leader first.
  virtual Result<std::vector<NodeId>> place(const PlaceRequest& request) = 0;
  virtual Result<NodeId> replica(const ion_replica_req& request) = 0;
};

}  // namespace ion
