// Stands where the broker API will be while the broker starts: transports are given this one at `create`, the modules behind it
// are built later. Before open() every verb is refused with CLOSED. Thread: ANY; open once.
#pragma once
#include <ion/contract/broker_api.h>

#include <atomic>

namespace ion::api {

class ApiGate final : public UniformBrokerApi<ApiGate> {
 public:
  void open(BrokerApi& api) noexcept { api_.store(&api, std::memory_order_release); }

  template <Verb V>
  Answer on(Op& op, const RequestOf<V>& r, ReplyOf<V>& a) {
    if (BrokerApi* api = api_.load(std::memory_order_acquire)) return VerbTraits<V>::call(*api, op, r, a);
    explain(a.error, starting(), milliseconds(100));
    return op.refuse(starting());
  }
  template <Verb V>
  Status look_up(const RequestOf<V>& r, ReplyOf<V>& a) {
    if (BrokerApi* api = api_.load(std::memory_order_acquire)) return VerbTraits<V>::call(*api, r, a);
    explain(a.error, starting(), milliseconds(100));
    return starting();
  }
  Status cancel(uint64_t op_id) override {
    BrokerApi* api = api_.load(std::memory_order_acquire);
    return api != nullptr ? api->cancel(op_id) : starting();
  }
  ion_health health() override {
    BrokerApi* api = api_.load(std::memory_order_acquire);
    return api != nullptr ? api->health() : ION_HEALTH_STARTING;
  }

 private:
  static Status starting() { return {ION_E_CLOSED, "this broker is starting", "STARTING"}; }
  std::atomic<BrokerApi*> api_{nullptr};
};

}  // namespace ion::api
