#include "api/broker_api.h"

namespace ion::api {

Status LocalBrokerApi::closed(Verb verb) const {
  if (row_of(verb).always_open) return {};
  switch (health_.load(std::memory_order_acquire)) {
    case ION_HEALTH_SERVING: return {};
    case ION_HEALTH_STARTING: return {ION_E_CLOSED, "this broker is starting", "STARTING"};
    case ION_HEALTH_DRAINING: return {ION_E_CLOSED, "this broker is going down", "DRAINING"};
    default: return {ION_E_FAILED, "this broker has failed"};
  }
}

}  // namespace ion::api
