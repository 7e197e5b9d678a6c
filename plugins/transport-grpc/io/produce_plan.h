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
  std::vector<uint32_t> messages = {};  // of the request, those in the batch; empty: the batch is what was sent

  // Of a record of the batch.
  int32_t place_in_request(int32_t index) const {
    return index >= 0 && static_cast<size_t>(index) < messages.size() ? static_cast<int32_t>(messages[static_cast<size_t>(index)]) : index;
  }
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
