// partition-router: Kafka's partitioner, rack-aware placement, nearest replica. No state, no settings.
#include "core/placement.h"
#include "core/read_replica.h"

#include <ion/bridge/router_bridge.h>
#include <ion/key_partition.h>
#include <ion/plugin.h>

namespace ion::partition_router {

class PartitionRouter final : public Router {
 public:
  using Config = NoConfig;
  static Result<std::unique_ptr<PartitionRouter>> create(Host, const NoConfig&) { return std::make_unique<PartitionRouter>(); }
  Status start() { return {}; }
  Answer drain(Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_ROUTER_ID ? &export_router<PartitionRouter> : nullptr; }
  Router& router() { return *this; }

  Result<PartitionId> partition(std::string_view, std::span<const uint8_t> key, uint32_t partitions) override {
    if (partitions == 0) return Status(ION_E_INVALID, "partition choice: the topic has no partitions");
    return partition_of_key(text_of(key), partitions);
  }
  Result<std::vector<NodeId>> place(const PlaceRequest& request) override { return partition_router::place(request); }
  Result<NodeId> replica(const ion_replica_req& request) override { return read_replica(request); }
};

}  // namespace ion::partition_router

ION_PLUGIN(ion::partition_router::PartitionRouter, "ion.partition-router", "0.1.0", "ion.router/1", "")
