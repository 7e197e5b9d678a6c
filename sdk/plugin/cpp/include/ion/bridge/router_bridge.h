// ion.router/1 across the C ABI, both ways.
// export_router<P>: table of a plugin class P that offers `Router& router()`. ImportedRouter: the C++ interface over such a table,
// which outlives it. Thread: any, as the contract says.
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/contract/router.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ion {
namespace bridge {

template <class P>
struct ExportedRouter {
  static Router& of(void* self) { return static_cast<P*>(self)->router(); }

  static ion_status partition(void* self, ion_bytes topic, ion_bytes key, uint32_t partitions, uint32_t* out) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const Result<PartitionId> chosen = of(self).partition(text_of(topic), span_of(key), partitions);
      if (!chosen) return chosen.error().code();
      *out = static_cast<uint32_t>(chosen->v);
      return ION_OK;
    });
  }
  static ion_status place(void* self, const ion_place_req* r, uint64_t* nodes, uint32_t cap) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const ion_place_req q = take(r);
      const Result<std::vector<NodeId>> placed = of(self).place({q.partitions, q.replication, {q.brokers, q.nbrokers}, q.seed});
      if (!placed) return placed.error().code();
      if (placed->size() > cap) return ION_E_INVALID;
      std::transform(placed->begin(), placed->end(), nodes, [](NodeId node) { return node.v; });
      return ION_OK;
    });
  }
  static ion_status replica(void* self, const ion_replica_req* r, uint64_t* node) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const Result<NodeId> chosen = of(self).replica(take(r));
      if (!chosen) return chosen.error().code();
      *node = chosen->v;
      return ION_OK;
    });
  }
};

}  // namespace bridge

template <class P>
inline constexpr ion_router export_router{
    .size = sizeof(ion_router),
    .caps = 0,
    .partition = &bridge::ExportedRouter<P>::partition,
    .place = &bridge::ExportedRouter<P>::place,
    .replica = &bridge::ExportedRouter<P>::replica,
};

class ImportedRouter final : public Router {
 public:
  explicit ImportedRouter(ion_ref ref) noexcept : table_(static_cast<const ion_router*>(ref.table)), self_(ref.self) {}

  Result<PartitionId> partition(std::string_view topic, std::span<const uint8_t> key, uint32_t partitions) override {
    uint32_t chosen = 0;
    ION_CHECK(ION_CALL(partition, bytes_of(topic), {key.data(), key.size()}, partitions, &chosen));
    if (chosen >= partitions)
      return Status(ION_E_INTERNAL, "ion.router/1 chose partition " + std::to_string(chosen) + " of " + std::to_string(partitions));
    return PartitionId{static_cast<int32_t>(chosen)};
  }
  Result<std::vector<NodeId>> place(const PlaceRequest& request) override {
    const uint64_t cells = uint64_t{request.partitions} * request.replication;
    if (cells == 0 || cells > kCellsMax)
      return Status(ION_E_INVALID, "placement of " + std::to_string(cells) + " replicas: want 1 to " + std::to_string(kCellsMax));
    const ion_place_req raw{sizeof(ion_place_req),   request.partitions, request.replication, static_cast<uint32_t>(request.brokers.size()),
                            request.brokers.data(), request.seed};
    std::vector<uint64_t> nodes(cells);
    ION_CHECK(ION_CALL(place, &raw, nodes.data(), static_cast<uint32_t>(cells)));
    std::vector<NodeId> rows(cells);
    std::transform(nodes.begin(), nodes.end(), rows.begin(), [](uint64_t node) { return NodeId{node}; });
    return rows;
  }
  Result<NodeId> replica(const ion_replica_req& request) override {
    NodeId node;
    ION_CHECK(ION_CALL(replica, &request, &node.v));
    return node;
  }

 private:
  static constexpr std::string_view kId = ION_ROUTER_ID;
  static constexpr uint64_t kCellsMax = 1 << 20;  // partitions x replication of one topic
  const ion_router* table_;
  void* self_;
};

}  // namespace ion
