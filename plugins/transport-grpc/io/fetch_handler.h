// Fetch, the unary call: whole batches from an offset on, perhaps after a wait. The bytes go out as they lie.
#pragma once
#include "io/unary_handler.h"

namespace ion::transport_grpc {

std::unique_ptr<CallHandler> make_fetch_handler(GrpcCall& call, Services& services);

}  // namespace ion::transport_grpc
