// Produce, the unary call: one request, one ack per partition that its messages went to.
#pragma once
#include "io/unary_handler.h"

namespace ion::transport_grpc {

std::unique_ptr<CallHandler> make_produce_handler(GrpcCall& call, Services& services);

}  // namespace ion::transport_grpc
