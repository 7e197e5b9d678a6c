// ion.broker_api/1 in C++: the one waist. The kernel implements it, transports and other plugins call it.
// Words, failures and ownership: ion/abi/host/broker_api.h.
#pragma once
#include <ion/abi/host/broker_api.h>
#include <ion/op.h>

#include <cstdio>
#include <string>

namespace ion {

class BrokerApi {  // ANY
 public:
  virtual ~BrokerApi() = default;
  virtual Answer produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) = 0;
  virtual Answer fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) = 0;
  virtual Status cancel(uint64_t op_id) = 0;
  virtual Answer offset_for(Op& op, const ion_offset_req& r, ion_offset_answer& a) = 0;
  virtual Status partition_of(const ion_partition_req& r, ion_partition_answer& a) = 0;
  virtual Answer init_producer(Op& op, const ion_producer_req& r, ion_producer_answer& a) = 0;
  virtual Answer metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a) = 0;
  virtual Answer topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) = 0;
  virtual Answer topic_list(Op& op, const ion_topic_req& r, ion_admin_answer& a) = 0;
  virtual Answer topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a) = 0;
  virtual Answer topic_delete(Op& op, const ion_topic_req& r, ion_admin_answer& a) = 0;
  virtual Answer plugin_list(Op& op, const ion_plugin_req& r, ion_admin_answer& a) = 0;
  virtual Answer cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) = 0;
  virtual ion_health health() = 0;
};

// Fills the words of a failed verb. `error` may be NULL.
inline void explain(ion_error_info* error, const Status& status, Nanos retry_after = {}) noexcept {
  if (error == nullptr) return;
  error->code = status.code();
  error->retry_after_ns = static_cast<uint64_t>(retry_after.n);
  std::snprintf(error->reason, sizeof error->reason, "%s", status.reason().c_str());
  std::snprintf(error->detail, sizeof error->detail, "%s", status.message().c_str());
}

}  // namespace ion
