// Which handler serves a call: the one of its row, a plugin's RPC, or a refusal in words.
#pragma once
#include "core/rpc_table.h"
#include "io/call_registry.h"
#include "io/grpc_call.h"
#include "io/services.h"

#include <memory>

namespace ion::transport_grpc {

// `row`: of the call's method, or null.
std::unique_ptr<CallHandler> make_handler(GrpcCall& call, Services& services, const RpcRow* row, CallRegistry::Admission admission);


}  // namespace ion::transport_grpc
