// Stands where the broker API will be while the broker starts: transports are given this one at `create`, the modules behind it
// are built later. Until it is open every verb is refused with CLOSED. Thread: ANY; opened once. Outlives every transport.
#pragma once
#include <ion/contract/broker_api.h>

#include <atomic>

namespace ion::api {

class ApiGate final : public EachVerb<ApiGate> {
 public:
  void open(BrokerApi& api) noexcept { api_.store(&api, std::memory_order_release); }

  template <ion_verb, class Req, class Ans>
  Answer verb(Op& op, const Req& r, Ans& a, Answer (BrokerApi::*behind)(Op&, const Req&, Ans&)) {
    if (BrokerApi* api = api_.load(std::memory_order_acquire)) return (api->*behind)(op, r, a);
    explain(a.error, starting(), milliseconds(100));
    return op.refuse(starting());
  }
  Status cancel(uint64_t op_id) override {
    BrokerApi* api = api_.load(std::memory_order_acquire);
    return api != nullptr ? api->cancel(op_id) : starting();
  }
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override {
    if (BrokerApi* api = api_.load(std::memory_order_acquire)) return api->partition_of(r, a);
    explain(a.error, starting());
    return starting();
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
