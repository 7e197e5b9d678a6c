// ProduceStream: batches in, acks out, pipelined. Reading goes on while batches are in flight, up to a window; acks gather while a
// message is being written and leave together. Order and window: core/ack_lanes.h.
#pragma once
#include "io/grpc_call.h"
#include "io/services.h"

#include <memory>

namespace ion::transport_grpc {

std::unique_ptr<CallHandler> make_produce_stream(GrpcCall& call, Services& services);

}  // namespace ion::transport_grpc
