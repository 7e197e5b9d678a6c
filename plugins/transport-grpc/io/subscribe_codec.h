// SubscribeRequest, CreditRequest and CreditResponse. Values only; any thread.
#pragma once
#include "core/fetch_envelope.h"
#include "core/subscription_plan.h"

#include <ion/result.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

struct SubscribeWish {
  std::vector<SubscriptionPlan::Part> parts;
  uint64_t credit_bytes = 0, bytes_max = 0;  // 0: the default
  Delivery delivery = Delivery::kBatches;
};
Result<SubscribeWish> read_subscribe(std::string_view request);

struct CreditWish {
  std::string session;
  uint64_t bytes = 0;
};
Result<CreditWish> read_credit(std::string_view request);
std::string write_credit(uint64_t credit_bytes);

}  // namespace ion::transport_grpc
