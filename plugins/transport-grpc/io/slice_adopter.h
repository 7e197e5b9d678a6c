// Bytes between gRPC and us without a copy. Out: a lent buffer becomes a slice that gives the reference back when gRPC is done.
// In: the slices of a message are kept by one counted holder; small messages are copied instead, because a slice keeps its whole
// read block alive (github.com/grpc/grpc, issue 40351).
#pragma once
#include "io/message.h"
#include "transport_grpc_metrics.h"

#include <grpcpp/support/byte_buffer.h>

namespace ion::transport_grpc {

grpc::ByteBuffer adopt(OutMessage message, TransportMetrics& metrics);

struct ReceiveRules {
  uint64_t copy_below = 4096;
  uint64_t block_bytes = 8192;  // what an odd slice may keep alive
};
// Takes the bytes out of `received`, which is empty or as it was afterwards. The message may go on any thread.
Message take(grpc::ByteBuffer& received, const ReceiveRules& rules, TransportMetrics& metrics);

}  // namespace ion::transport_grpc
