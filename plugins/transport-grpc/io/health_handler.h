// grpc.health.v1.Health (github.com/grpc/grpc, doc/health-checking.md): the broker API's health as tools expect it. The empty
// service is the broker; each gRPC service that is served here can be asked by name. A draining listener answers NOT_SERVING.
#pragma once
#include "io/grpc_call.h"
#include "io/services.h"

#include <memory>

namespace ion::transport_grpc {

std::unique_ptr<CallHandler> make_health_handler(Rpc rpc, GrpcCall& call, Services& services, bool draining);

}  // namespace ion::transport_grpc
