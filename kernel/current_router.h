// The router that serves: of the generation that is there now. A question that began with the old one ends there.
// Thread: any; replace one at a time.
#pragma once
#include "pipeline/departure.h"

#include <ion/bridge/router_bridge.h>

#include <fmt/format.h>

#include <atomic>
#include <memory>

namespace ion {

class CurrentRouter final : public Router {
 public:
  explicit CurrentRouter(ion_ref first) : held_(std::make_shared<Held>(first)) {}

  // INVALID: the table has not what a router answers.
  static Status accepts(std::string_view name, ion_ref next) {
    const auto* table = static_cast<const ion_router*>(next.table);
    if (ION_OFFERS(table, partition) && ION_OFFERS(table, place) && ION_OFFERS(table, replica)) return {};
    return {ION_E_INVALID, fmt::format("plugin {}: its table of {} has size {} and lacks a function: wanted a size of at least {}", name, ION_ROUTER_ID,
                                       table == nullptr ? 0 : table->size, sizeof(ion_router))};
  }
  // `departure` hears when no question is with the old one any more.
  void replace(ion_ref next, std::shared_ptr<pipeline::Departure> departure) {
    held_.load()->departure = std::move(departure);  // read when the last of its holders goes, which is after the exchange
    held_.store(std::make_shared<Held>(next));
  }

  Result<PartitionId> partition(std::string_view topic, std::span<const uint8_t> key, uint32_t partitions) override {
    return held_.load()->router.partition(topic, key, partitions);
  }
  Result<std::vector<NodeId>> place(const PlaceRequest& request) override { return held_.load()->router.place(request); }
  Result<NodeId> replica(const ion_replica_req& request) override { return held_.load()->router.replica(request); }

 private:
  struct Held {
    explicit Held(ion_ref ref) : router(ref) {}
    ~Held() {
      if (departure != nullptr) departure->gone();
    }
    ImportedRouter router;
    std::shared_ptr<pipeline::Departure> departure;
  };
  std::atomic<std::shared_ptr<Held>> held_;  // shared: a question holds the one it went to
};

}  // namespace ion
