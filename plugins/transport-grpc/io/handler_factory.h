// Which handler serves a call: a row of rpc_table, a plugin's RPC, or a refusal in words.
#pragma once
#include "io/call_registry.h"
#include "io/grpc_call.h"
#include "io/services.h"

#include <memory>

namespace ion::transport_grpc {

std::unique_ptr<CallHandler> make_handler(GrpcCall& call, Services& services, CallRegistry::Admission admission);
size_t verb_of(std::string_view method);  // row of metrics

}  // namespace ion::transport_grpc
