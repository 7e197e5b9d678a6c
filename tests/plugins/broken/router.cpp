// A router that breaks the promise that its settings name; with none it keeps all. For the tests of ion-conform.
#include <ion/bridge/router_bridge.h>
#include <ion/key_partition.h>
#include <ion/plugin.h>

namespace {

struct Settings {
  std::string defect;
  static constexpr auto rows() { return std::tuple{ion::row("defect", &Settings::defect, "The promise that is broken; empty: none.")}; }
};

class Broken final : public ion::Router {
 public:
  using Config = Settings;
  explicit Broken(std::string defect) : defect_(std::move(defect)) {}
  static ion::Result<std::unique_ptr<Broken>> create(ion::Host, const Settings& s) { return std::make_unique<Broken>(s.defect); }
  ion::Status start() { return {}; }
  ion::Answer drain(ion::Op& op) { return op.ok(); }
  const void* table(std::string_view id);
  ion::Router& router() { return *this; }

  ion::Result<ion::PartitionId> partition(std::string_view, std::span<const uint8_t> key, uint32_t partitions) override {
    if (partitions == 0 && is("no-partitions")) return ion::PartitionId{0};
    if (partitions == 0) return ion::Status(ION_E_INVALID, "no partitions");
    if (is("outside")) return ion::PartitionId{static_cast<int32_t>(partitions)};
    if (is("impure")) return ion::PartitionId{static_cast<int32_t>((reinterpret_cast<uintptr_t>(this) / 16 + key.size()) % partitions)};
    if (is("one")) return ion::PartitionId{0};
    return ion::partition_of_key(ion::text_of(key), partitions);
  }
  ion::Result<std::vector<ion::NodeId>> place(const ion::PlaceRequest& r) override {
    const size_t n = r.brokers.size();
    if (n == 0 || (n < r.replication && !is("few"))) return ion::Status(ION_E_INVALID, "too few brokers");
    const size_t begin = is("counts") ? ++placed_ : r.seed;
    std::vector<ion::NodeId> nodes;
    for (uint32_t p = 0; p < r.partitions; ++p)
      for (uint32_t i = 0; i < r.replication; ++i) nodes.push_back({r.brokers[(begin + p + (is("same") ? 0 : i)) % n].node});
    return nodes;
  }
  ion::Result<ion::NodeId> replica(const ion_replica_req& r) override {
    if (r.nreplicas == 0 && is("nobody")) return ion::NodeId{1};
    if (r.nreplicas == 0) return ion::Status(ION_E_INVALID, "no replica");
    return ion::NodeId{is("foreign") ? 999 : r.replicas[0]};
  }

 private:
  bool is(std::string_view defect) const { return defect_ == defect; }
  const std::string defect_;
  size_t placed_ = 0;
};

ion_status place_anywhere(void*, const ion_place_req* r, uint64_t* nodes, uint32_t) noexcept {
  if (r->nbrokers < r->replication) return ION_E_INVALID;
  for (uint32_t i = 0; i < r->partitions * r->replication; ++i) nodes[i] = r->brokers[i % r->nbrokers].node;
  return ION_OK;
}
constexpr ion_router kWithoutCap{sizeof(ion_router), 0, &ion::bridge::ExportedRouter<Broken>::partition, &place_anywhere, &ion::bridge::ExportedRouter<Broken>::replica};

const void* Broken::table(std::string_view id) {
  if (id != ION_ROUTER_ID) return nullptr;
  return is("room") ? &kWithoutCap : &ion::export_router<Broken>;
}

}  // namespace

ION_PLUGIN(Broken, "ion.test.broken", "0.1.0", "ion.router/1", "")
