// Small translations between gRPC's types and ours.
#pragma once
#include "io/call_port.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

namespace ion::transport_grpc {

inline grpc::Status grpc_status(const CallEnd& end) {
  if (end.code == GrpcCode::kOk) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(end.code), end.words, end.details};
}

// Time from now to the client's deadline; gRPC's clock is not the host's, so only the difference leaves this file.
inline std::optional<Nanos> time_left(gpr_timespec deadline) {
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return std::nullopt;
  const gpr_timespec left = gpr_time_sub(gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC), gpr_now(GPR_CLOCK_MONOTONIC));
  constexpr int64_t kSecondsMax = 100LL * 365 * 24 * 3600;  // beyond it is as good as none
  if (left.tv_sec > kSecondsMax) return std::nullopt;
  return Nanos{left.tv_sec * 1'000'000'000 + left.tv_nsec};
}

inline Metadata copy_metadata(const grpc::ServerContextBase& context) {
  Metadata to;
  for (const auto& [key, value] : context.client_metadata())
    to.emplace_back(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
  return to;
}

}  // namespace ion::transport_grpc
