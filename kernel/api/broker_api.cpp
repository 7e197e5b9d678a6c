#include "api/broker_api.h"

namespace ion::api {

Status LocalBrokerApi::closed() const {
  switch (health_.load(std::memory_order_acquire)) {
    case ION_HEALTH_SERVING: return {};
    case ION_HEALTH_STARTING: return {ION_E_CLOSED, "this broker is starting", "STARTING"};
    case ION_HEALTH_DRAINING: return {ION_E_CLOSED, "this broker is going down", "DRAINING"};
    default: return {ION_E_FAILED, "this broker has failed"};
  }
}

// One gate for all verbs: the reader sees at once that none is forgotten.
#define ION_ENTER(path, verb, Req, Ans)                                          \
  Answer LocalBrokerApi::verb(Op& op, const Req& r, Ans& a) {                   \
    if (const Status why = closed(); !why.ok()) {                                \
      explain(a.error, why, milliseconds(100));                                  \
      return op.refuse(why);                                                     \
    }                                                                            \
    return path.verb(op, r, a);                                                  \
  }
ION_ENTER(produce_, produce, ion_produce_req, ion_produce_answer)
ION_ENTER(fetch_, fetch, ion_fetch_req, ion_fetch_answer)
ION_ENTER(fetch_, offset_for, ion_offset_req, ion_offset_answer)
ION_ENTER(admin_, init_producer, ion_producer_req, ion_producer_answer)
ION_ENTER(admin_, metadata, ion_topic_req, ion_admin_answer)
ION_ENTER(admin_, topic_create, ion_topic_req, ion_admin_answer)
ION_ENTER(admin_, topic_list, ion_topic_req, ion_admin_answer)
ION_ENTER(admin_, topic_describe, ion_topic_req, ion_admin_answer)
ION_ENTER(admin_, topic_delete, ion_topic_req, ion_admin_answer)
#undef ION_ENTER

}  // namespace ion::api
