// The two messages of the data path by hand, so that `records` never enters a protobuf object. Pure.
#pragma once
#include <ion/bytes.h>
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/wire.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/producer_types.h"

namespace ion::client::wire {

// Everything of a ProduceRequest before the bytes of `records`, which the caller puts behind it.
struct ProduceHead {
  std::string_view topic;
  PartitionId partition;
  ProducerLimits::Promise promise = ProducerLimits::Promise::kIdempotent;
  uint64_t correlation = 0;
  Uuid topic_id = {};  // all zero: left out
};
inline std::string produce_head(const ProduceHead& head, uint64_t records_bytes) {
  std::string out;
  out.reserve(head.topic.size() + 72);
  using Promise = ProducerLimits::Promise;
  WireWriter w(out);
  w.text(1, head.topic);
  w.present(2, static_cast<uint32_t>(head.partition.v));
  w.number(3, head.promise == Promise::kUnanswered ? 1 : head.promise == Promise::kPlain ? 2 : 3);
  w.number(4, head.correlation);
  if (head.topic_id != Uuid{}) w.text(8, {reinterpret_cast<const char*>(head.topic_id.bytes.data()), head.topic_id.bytes.size()});
  w.begin_bytes(15, records_bytes);
  return out;
}

// A FetchResponse. `records` is copied once, into memory of its own: what came in lies in small pieces of large blocks.
struct Frame {
  std::string topic, session, error;  // error: an encoded ErrorDetail
  PartitionId partition;
  Offset base_offset, next_offset, log_start, high_watermark;
  LogId log;
  Buf records;
};
inline Result<Frame> read_frame(std::span<const std::span<const uint8_t>> pieces) {
  std::vector<ion_buf> parts;
  parts.reserve(pieces.size());
  for (const auto& piece : pieces) parts.push_back({piece.data(), piece.size(), nullptr, nullptr});
  WireReader in(parts);
  WireField field;
  Frame f;
  const auto text = [&] { return in.text(field, field.n); };
  const auto number = [&] { return static_cast<int64_t>(field.value); };
  while (in.next(field)) {
    const bool bytes = field.type == WireType::kBytes, varint = field.type == WireType::kVarint;
    if (field.number == 1 && bytes) f.topic = text();
    else if (field.number == 2 && varint) f.partition = {static_cast<int32_t>(field.value)};
    else if (field.number == 3 && varint) f.base_offset = {number()};
    else if (field.number == 4 && varint) f.next_offset = {number()};
    else if (field.number == 5 && varint) f.log_start = {number()};
    else if (field.number == 6 && varint) f.high_watermark = {number()};
    else if (field.number == 7 && varint) f.log = {field.value};
    else if (field.number == 8 && bytes) f.error = text();
    else if (field.number == 9 && bytes) f.session = text();
    else if (field.number == 15 && bytes) {
      uint8_t* to = nullptr;
      f.records = Buf::allocate(field.n, &to);
      copy_out(parts, field.at, field.n, to);
    }
  }
  if (in.failed()) return Status(ION_E_INTERNAL, "the broker sent a FetchResponse that cannot be read");
  return f;
}

}  // namespace ion::client::wire
