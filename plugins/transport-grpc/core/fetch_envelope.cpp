#include "core/fetch_envelope.h"

#include "core/request_limits.h"

namespace ion::transport_grpc {

Result<FetchEnvelope> read_fetch(std::span<const ion_buf> message) {
  FetchEnvelope e;
  WireReader reader(message);
  WireField f;
  while (reader.next(f)) {
    if (f.is(1, WireType::kBytes)) {
      if (f.n > kTopicNameBytesMax)
        return Status(ION_E_INVALID, "FetchRequest: a topic name of " + std::to_string(f.n) + " bytes", "INVALID_TOPIC");
      e.topic = reader.text(f, kTopicNameBytesMax);
    } else if (f.is(2, WireType::kVarint)) {
      e.partition = static_cast<int32_t>(f.value);
    } else if (f.is(3, WireType::kVarint)) {
      e.offset = static_cast<int64_t>(f.value);
    } else if (f.is(4, WireType::kVarint)) {
      e.bytes_min = f.value;
    } else if (f.is(5, WireType::kVarint)) {
      e.bytes_max = f.value;
    } else if (f.is(6, WireType::kVarint)) {
      e.wait_ms = static_cast<uint32_t>(f.value);
    } else if (f.is(7, WireType::kVarint)) {
      e.delivery = f.value == 2 ? Delivery::kMessages : Delivery::kBatches;
    } else if (f.is(8, WireType::kBytes)) {
      if (f.n != kTopicIdBytes) return Status(ION_E_INVALID, "FetchRequest: a topic_id of " + std::to_string(f.n) + " bytes, want 16", "INVALID_TOPIC_ID");
      e.topic_id = reader.text(f, kTopicIdBytes);
    }
  }
  if (reader.failed()) return reader.status("FetchRequest");
  return e;
}

std::string write_fetch_head(const FetchHead& head, uint64_t records_bytes) {
  std::string bytes;
  bytes.reserve(96 + head.topic.size() + head.messages.size());
  WireWriter w(bytes);
  w.text(1, head.topic);
  w.signed_number(2, head.partition);
  w.signed_number(3, head.base_offset);
  w.signed_number(4, head.next_offset);
  w.signed_number(5, head.log_start);
  w.signed_number(6, head.high_watermark);
  w.number(7, head.log_id);
  if (head.error) w.message(8, error_detail(*head.error));
  w.text(9, head.session);
  bytes.append(head.messages);
  if (records_bytes != 0) w.begin_bytes(15, records_bytes);
  return bytes;
}

}  // namespace ion::transport_grpc
