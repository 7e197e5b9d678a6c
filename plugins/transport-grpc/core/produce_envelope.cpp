#include "core/produce_envelope.h"

#include "core/request_limits.h"

namespace ion::transport_grpc {
namespace {

// proto: 0 unspecified, 1 none, 2 leader, 3 all. An unknown number is the safe one.
Acks acks_from(uint64_t number) { return number == 1 ? Acks::kNone : number == 2 ? Acks::kLeader : Acks::kAll; }

}  // namespace

Result<ProduceEnvelope> read_produce(std::span<const ion_buf> message) {
  ProduceEnvelope e;
  WireReader reader(message);
  WireField f;
  while (reader.next(f)) {
    if (f.is(1, WireType::kBytes)) {
      if (f.n > kTopicNameBytesMax)
        return Status(ION_E_INVALID, "ProduceRequest: a topic name of " + std::to_string(f.n) + " bytes", "INVALID_TOPIC");
      e.topic = reader.text(f, kTopicNameBytesMax);
    } else if (f.is(2, WireType::kVarint)) {
      e.partition = static_cast<int32_t>(f.value);
    } else if (f.is(3, WireType::kVarint)) {
      e.acks = acks_from(f.value);
    } else if (f.is(4, WireType::kVarint)) {
      e.correlation = f.value;
    } else if (f.is(5, WireType::kVarint)) {
      e.producer_id = static_cast<int64_t>(f.value);
    } else if (f.is(6, WireType::kVarint)) {
      e.producer_epoch = static_cast<int32_t>(f.value);
    } else if (f.is(7, WireType::kVarint)) {
      e.base_sequence = static_cast<int32_t>(f.value);
    } else if (f.is(8, WireType::kBytes)) {
      if (f.n != kTopicIdBytes) return Status(ION_E_INVALID, "ProduceRequest: a topic_id of " + std::to_string(f.n) + " bytes, want 16", "INVALID_TOPIC_ID");
      e.topic_id = reader.text(f, kTopicIdBytes);
    } else if (f.is(14, WireType::kBytes)) {
      e.has_messages = true;
    } else if (f.is(15, WireType::kBytes)) {
      e.records_at = f.at, e.records_bytes = f.n;
    }
  }
  if (reader.failed()) return reader.status("ProduceRequest");
  return e;
}

void write_ack(std::string& response, const Ack& ack) {
  std::string one;
  WireWriter w(one);
  w.number(1, ack.correlation);
  w.signed_number(2, ack.partition);
  w.signed_number(3, ack.base_offset);
  w.signed_number(4, ack.next_offset);
  if (ack.append_time_ms) w.present(5, static_cast<uint64_t>(*ack.append_time_ms));
  w.number(6, ack.log_id);
  w.signed_number(7, ack.log_start);
  w.signed_number(8, ack.high_watermark);
  w.flag(9, ack.duplicate);
  if (ack.error) w.message(10, error_detail(*ack.error));
  w.flag(11, ack.dropped);
  for (const RecordOutcome& outcome : ack.not_stored) {
    std::string encoded;
    WireWriter o(encoded);
    o.signed_number(1, outcome.index);
    if (outcome.error) o.message(2, error_detail(*outcome.error));
    w.message(12, encoded);
  }
  w.text(13, ack.routed_topic);
  if (!ack.routed_topic.empty()) w.signed_number(14, ack.routed_partition);
  WireWriter(response).message(1, one);
}

}  // namespace ion::transport_grpc
