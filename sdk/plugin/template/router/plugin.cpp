// template-router: a router that keeps the records of a tenant together. A key is "TENANT/rest"; all keys of one tenant lead to the
// same partition. Brokers for new partitions are taken in turn; a reader asks a replica in its own rack, or the leader.
#include <ion/bridge/router_bridge.h>
#include <ion/key_partition.h>
#include <ion/plugin.h>

#include <algorithm>

namespace {

struct Settings {
  std::string separator = "/";
  static constexpr auto rows() { return std::tuple{ion::row("separator", &Settings::separator, "What ends the tenant in a key.")}; }
};

// Pure: the same question has the same answer in every process. No state, no clock, no random numbers.
class TenantRouter final : public ion::Router {
 public:
  using Config = Settings;
  explicit TenantRouter(const Settings& settings) : separator_(settings.separator) {}
  static ion::Result<std::unique_ptr<TenantRouter>> create(ion::Host, const Settings& settings) {
    if (settings.separator.empty()) return ion::Status(ION_E_INVALID, "separator: wanted at least one character");
    return std::make_unique<TenantRouter>(settings);
  }
  ion::Status start() { return {}; }
  ion::Answer drain(ion::Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_ROUTER_ID ? &ion::export_router<TenantRouter> : nullptr; }
  ion::Router& router() { return *this; }

  ion::Result<ion::PartitionId> partition(std::string_view, std::span<const uint8_t> key, uint32_t partitions) override {
    if (partitions == 0) return ion::Status(ION_E_INVALID, "partition of a key: the topic has no partitions");
    const std::string_view text = ion::text_of(key);
    return ion::partition_of_key(text.substr(0, text.find(separator_)), partitions);
  }
  // A row per partition, leader first, no broker twice in a row. `seed` differs from topic to topic, so that not all begin with the
  // same broker.
  ion::Result<std::vector<ion::NodeId>> place(const ion::PlaceRequest& request) override {
    const size_t brokers = request.brokers.size();
    if (request.replication == 0 || brokers < request.replication)
      return ion::Status(ION_E_INVALID, "placement: wanted " + std::to_string(request.replication) + " replicas, have " + std::to_string(brokers) + " brokers");
    std::vector<ion::NodeId> nodes;
    for (uint32_t partition = 0; partition < request.partitions; ++partition)
      for (uint32_t replica = 0; replica < request.replication; ++replica)
        nodes.push_back({request.brokers[(request.seed % brokers + partition + replica) % brokers].node});
    return nodes;
  }
  ion::Result<ion::NodeId> replica(const ion_replica_req& request) override {
    if (request.nreplicas == 0) return ion::Status(ION_E_INVALID, "choice of a replica: there is none");
    for (uint32_t i = 0; i < request.nreplicas; ++i)
      if (request.client_rack.n != 0 && ion::text_of(request.racks[i]) == ion::text_of(request.client_rack)) return ion::NodeId{request.replicas[i]};
    return ion::NodeId{request.replicas[0]};
  }

 private:
  const std::string separator_;
};

}  // namespace

ION_PLUGIN(TenantRouter, "demo.template-router", "1.0.0", "ion.router/1", "")
