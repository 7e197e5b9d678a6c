// The calls that ask or change topics, offsets, producers, plugins and the cluster: one request, one or a few questions to the
// broker API, one answer.
#pragma once
#include "io/unary_handler.h"

namespace ion::transport_grpc {

// nullptr: not one of these.
std::unique_ptr<CallHandler> make_admin_handler(Rpc rpc, GrpcCall& call, Services& services);
std::unique_ptr<CallHandler> make_offsets_handler(GrpcCall& call, Services& services);
std::unique_ptr<CallHandler> make_metadata_handler(GrpcCall& call, Services& services);

}  // namespace ion::transport_grpc
