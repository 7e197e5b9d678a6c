#include "status_codec.h"

#include <algorithm>

#include "ionstream/v1/error.pb.h"
#include "ionstream/v1/rpc_status.pb.h"

namespace ion::client {

namespace pb = ionstream::v1;

namespace {
constexpr uint64_t kRetryAfterMsMax = 3'600'000;

Failure failure_of(const pb::ErrorDetail& e) {
  Code code = code_of_proto(e.code());
  if (code == ION_OK) code = ION_E_INTERNAL;  // an error that says it is none
  Failure f;
  f.status = Status(code, e.detail().empty() ? std::string(code_name(code)) : e.detail(), e.reason());
  f.retriable = e.retriable();
  f.retry_after = milliseconds(static_cast<int64_t>(std::min<uint64_t>(e.retry_after_ms(), kRetryAfterMsMax)));
  f.leader_hint = e.leader_hint();
  // A broker that stopped waiting does not know either what became of the request.
  if (code == ION_E_UNKNOWN_OUTCOME || code == ION_E_DEADLINE) f.outcome = Failure::Outcome::kUnknown;
  return f;
}
}  // namespace

Code code_of_proto(int number) { return number < 0 ? ION_E_INTERNAL : to_code(-number); }

Failure decode_error_detail(std::string_view bytes) {
  pb::ErrorDetail e;
  if (!e.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return {Status(ION_E_INTERNAL, "the broker sent an error that cannot be read"), false, {}, {}};
  return failure_of(e);
}

std::optional<Failure> decode_status_details(std::string_view bytes) {
  pb::RpcStatus status;
  if (bytes.empty() || !status.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  for (const auto& any : status.details()) {
    if (!any.type_url().ends_with("/ionstream.v1.ErrorDetail")) continue;
    return decode_error_detail(any.value());
  }
  return std::nullopt;
}

}  // namespace ion::client
