// ProduceRequest and ProduceResponse without protobuf: the small fields are read, `records` is only a place in the message.
// Pure. Field numbers: ionstream/v1/produce.proto.
#pragma once
#include "core/failure.h"
#include "core/wire.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ion::transport_grpc {

enum class Acks : uint32_t { kNone = 0, kLeader = 1, kAll = 2 };  // numbers of ion_acks

struct ProduceEnvelope {
  std::string topic, topic_id;  // empty: missing
  std::optional<int32_t> partition;
  Acks acks = Acks::kAll;
  uint64_t correlation = 0;
  std::optional<int64_t> producer_id;
  int32_t producer_epoch = 0, base_sequence = 0;
  bool has_messages = false;
  uint64_t records_at = 0, records_bytes = 0;  // 0 bytes: missing
};

Result<ProduceEnvelope> read_produce(std::span<const ion_buf> message);

// A record that is not stored; without an error it was dropped.
struct RecordOutcome {
  int32_t index = 0;  // its place in the request, from 0
  std::optional<Failure> error;
};

// What became of one batch.
struct Ack {
  uint64_t correlation = 0;
  int32_t partition = 0;
  int64_t base_offset = 0, next_offset = 0;
  std::optional<int64_t> append_time_ms;
  uint64_t log_id = 0;
  int64_t log_start = 0, high_watermark = 0;
  bool duplicate = false;
  std::optional<Failure> error;
  bool dropped = false;
  std::vector<RecordOutcome> not_stored = {};
  std::string routed_topic = {};  // empty: where it was asked for
  int32_t routed_partition = 0;
};
// Appends one element of ProduceResponse.acks.
void write_ack(std::string& response, const Ack& ack);

}  // namespace ion::transport_grpc
