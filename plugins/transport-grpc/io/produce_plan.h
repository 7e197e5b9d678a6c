// What a ProduceRequest asks for: one batch as it came, or plain messages split by partition and encoded here (a producer splits
// before a batch is made, so the transport does it for clients that do not build batches).
// Thread: the call's strand.
#pragma once
#include "core/produce_envelope.h"
#include "io/message.h"
#include "io/services.h"

#include <span>
#include <string>
#include <vector>

namespace ion::transport_grpc {

struct PlannedBatch {
  int32_t partition = 0;
  Message payload;           // keeps `parts` alive
  std::span<ion_buf> parts;  // exactly one record batch
};

// `topic` is the envelope's, or that of the message before. Errors: what is wrong with the request, or partition_of's own.
struct ProduceRequest {
  const ProduceEnvelope& envelope;
  const std::string& topic;
  const ion_caller& who;
};
struct ProducePlan {
  std::vector<PlannedBatch> batches;
  std::optional<Failure> refused;  // then there are no batches
};
ProducePlan plan_produce(Services& services, const ProduceRequest& ask, Message request);

}  // namespace ion::transport_grpc
