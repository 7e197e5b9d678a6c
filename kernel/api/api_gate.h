// Stands where the broker API will be while the broker starts: transports are given this one at `create`, the modules behind it
// are built later. Closed it refuses every verb with CLOSED. Thread: ANY; open once.
#pragma once
#include <ion/contract/broker_api.h>

#include <atomic>

namespace ion::api {

class ApiGate final : public BrokerApi {
 public:
  void open(BrokerApi& api) noexcept { api_.store(&api, std::memory_order_release); }

#define ION_THROUGH(verb, Req, Ans)                                                             \
  Answer verb(Op& op, const Req& r, Ans& a) override {                                          \
    if (BrokerApi* api = api_.load(std::memory_order_acquire)) return api->verb(op, r, a);   \
    explain(a.error, starting(), milliseconds(100));                                            \
    return op.refuse(starting());                                                               \
  }
  ION_THROUGH(produce, ion_produce_req, ion_produce_answer)
  ION_THROUGH(fetch, ion_fetch_req, ion_fetch_answer)
  ION_THROUGH(offset_for, ion_offset_req, ion_offset_answer)
  ION_THROUGH(init_producer, ion_producer_req, ion_producer_answer)
  ION_THROUGH(metadata, ion_topic_req, ion_admin_answer)
  ION_THROUGH(topic_create, ion_topic_req, ion_admin_answer)
  ION_THROUGH(topic_list, ion_topic_req, ion_admin_answer)
  ION_THROUGH(topic_describe, ion_topic_req, ion_admin_answer)
  ION_THROUGH(topic_delete, ion_topic_req, ion_admin_answer)
  ION_THROUGH(plugin_list, ion_plugin_req, ion_admin_answer)
  ION_THROUGH(cluster_info, ion_cluster_req, ion_cluster_answer)
#undef ION_THROUGH
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
