// ion.broker_api/1, both directions. Exported: `self` is the ion::BrokerApi itself (a host service, not a plugin's contract).
#pragma once
#include <ion/abi/host.h>
#include <ion/contract/broker_api.h>

#include <exception>

namespace ion {

namespace detail {
template <auto Verb, class Req, class Ans>
ion_status broker_api_op(void* self, const Req* r, Ans* a, const ion_op* raw, ion_result* now) noexcept {
  Op op(*raw, *now);
  try {
    return (static_cast<BrokerApi*>(self)->*Verb)(op, *r, *a).code();
  } catch (const std::exception& e) {
    return op.taken() ? ION_PENDING : Status(ION_E_EXCEPTION, e.what()).to(now->err);
  } catch (...) {
    return op.taken() ? ION_PENDING : Status(ION_E_EXCEPTION, "the broker API threw").to(now->err);
  }
}
inline ion_status broker_api_cancel(void* self, uint64_t id) noexcept { return static_cast<BrokerApi*>(self)->cancel(id).code(); }
inline ion_status broker_api_partition_of(void* self, const ion_partition_req* r, ion_partition_answer* a) noexcept {
  try {
    return static_cast<BrokerApi*>(self)->partition_of(*r, *a).code();
  } catch (...) {
    return ION_E_EXCEPTION;
  }
}
inline ion_status broker_api_health(void* self, uint32_t* out) noexcept {
  *out = static_cast<BrokerApi*>(self)->health();
  return ION_OK;
}
}  // namespace detail

inline constexpr ion_broker_api export_broker_api{
    sizeof(ion_broker_api),
    0,
    &detail::broker_api_op<&BrokerApi::produce, ion_produce_req, ion_produce_answer>,
    &detail::broker_api_op<&BrokerApi::fetch, ion_fetch_req, ion_fetch_answer>,
    &detail::broker_api_cancel,
    &detail::broker_api_op<&BrokerApi::offset_for, ion_offset_req, ion_offset_answer>,
    &detail::broker_api_partition_of,
    &detail::broker_api_op<&BrokerApi::init_producer, ion_producer_req, ion_producer_answer>,
    &detail::broker_api_op<&BrokerApi::metadata, ion_topic_req, ion_admin_answer>,
    &detail::broker_api_op<&BrokerApi::topic_create, ion_topic_req, ion_admin_answer>,
    &detail::broker_api_op<&BrokerApi::topic_list, ion_topic_req, ion_admin_answer>,
    &detail::broker_api_op<&BrokerApi::topic_describe, ion_topic_req, ion_admin_answer>,
    &detail::broker_api_op<&BrokerApi::topic_delete, ion_topic_req, ion_admin_answer>,
    &detail::broker_api_op<&BrokerApi::plugin_list, ion_plugin_req, ion_admin_answer>,
    &detail::broker_api_op<&BrokerApi::cluster_info, ion_cluster_req, ion_cluster_answer>,
    &detail::broker_api_health,
};

class ImportedBrokerApi final : public BrokerApi {
 public:
  explicit ImportedBrokerApi(ion_ref ref) : t_(static_cast<const ion_broker_api*>(ref.table)), self_(ref.self) {}

#define ION_FORWARD(verb, Req, Ans)                                                              \
  Answer verb(Op& op, const Req& r, Ans& a) override {                                           \
    if (!ION_HAS(t_, verb)) return op.refuse(missing(#verb));                                    \
    return op.passed(t_->verb(self_, &r, &a, &op.raw(), &op.now()));                             \
  }
  ION_FORWARD(produce, ion_produce_req, ion_produce_answer)
  ION_FORWARD(fetch, ion_fetch_req, ion_fetch_answer)
  ION_FORWARD(offset_for, ion_offset_req, ion_offset_answer)
  ION_FORWARD(init_producer, ion_producer_req, ion_producer_answer)
  ION_FORWARD(metadata, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_create, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_list, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_describe, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_delete, ion_topic_req, ion_admin_answer)
  ION_FORWARD(plugin_list, ion_plugin_req, ion_admin_answer)
  ION_FORWARD(cluster_info, ion_cluster_req, ion_cluster_answer)
#undef ION_FORWARD
  Status cancel(uint64_t op_id) override {
    return ION_HAS(t_, cancel) ? Status::from(t_->cancel(self_, op_id), nullptr) : missing("cancel");
  }
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override {
    return ION_HAS(t_, partition_of) ? Status::from(t_->partition_of(self_, &r, &a), nullptr) : missing("partition_of");
  }
  ion_health health() override {
    uint32_t out = ION_HEALTH_FAILED;
    if (ION_HAS(t_, health)) (void)t_->health(self_, &out);
    return static_cast<ion_health>(out);
  }

 private:
  static Status missing(const char* verb) { return {ION_E_UNSUPPORTED, std::string("this kernel's ion.broker_api/1 has no ") + verb}; }
  const ion_broker_api* t_;
  void* self_;
};

}  // namespace ion
