// An RPC of another plugin, registered with ion.rpc/1 as a byte handler: its stream is one gRPC call.
// The plugin's sink is called in the call's strand; the plugin calls send, grant, finish and attr from any thread.
#pragma once
#include "io/grpc_call.h"
#include "io/services.h"

#include <memory>

namespace ion::transport_grpc {

// nullptr: no plugin serves this method.
std::unique_ptr<CallHandler> make_rpc_handler(GrpcCall& call, Services& services);

}  // namespace ion::transport_grpc
