// grpc.reflection.v1alpha.ServerReflection: a stream of questions, each answered in turn.
#pragma once
#include "io/grpc_call.h"
#include "io/services.h"

#include <memory>

namespace ion::transport_grpc {

std::unique_ptr<CallHandler> make_reflection_handler(GrpcCall& call, Services& services);

}  // namespace ion::transport_grpc
