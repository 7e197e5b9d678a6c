#include "io/subscribe_codec.h"

#include "io/parse_codec.h"

#include <ionstream/v1/broker.pb.h>

namespace ion::transport_grpc {

Result<SubscribeWish> read_subscribe(std::string_view request) {
  ION_TRY(const auto r, parse_request<ionstream::v1::SubscribeRequest>(request));
  SubscribeWish wish;
  wish.credit_bytes = r.credit_bytes(), wish.bytes_max = r.bytes_max();
  wish.delivery = r.delivery() == ionstream::v1::DELIVERY_MESSAGES ? Delivery::kMessages : Delivery::kBatches;
  wish.parts.reserve(static_cast<size_t>(r.parts_size()));
  for (const auto& part : r.parts()) wish.parts.push_back({part.topic(), part.partition(), part.offset(), part.topic_id()});
  return wish;
}

Result<CreditWish> read_credit(std::string_view request) {
  ION_TRY(const auto r, parse_request<ionstream::v1::CreditRequest>(request));
  return CreditWish{r.session(), r.bytes()};
}

std::string write_credit(uint64_t credit_bytes) {
  ionstream::v1::CreditResponse response;
  response.set_credit_bytes(credit_bytes);
  return response.SerializeAsString();
}

}  // namespace ion::transport_grpc
