// FetchRequest and FetchResponse without protobuf. `records` of an answer stands last: its tag and length end the head, the
// leased bytes follow as they are. Pure. Field numbers: ionstream/v1/fetch.proto.
#pragma once
#include "core/failure.h"
#include "core/wire.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ion::transport_grpc {

enum class Delivery : uint8_t { kBatches, kMessages };

struct FetchEnvelope {
  std::string topic, topic_id;  // empty: missing
  int32_t partition = 0;
  int64_t offset = 0;
  uint64_t bytes_min = 0, bytes_max = 0;  // 0: the default
  uint32_t wait_ms = 0;
  Delivery delivery = Delivery::kBatches;
};

Result<FetchEnvelope> read_fetch(std::span<const ion_buf> message);

struct FetchHead {
  std::string_view topic;  // subscriptions only
  int32_t partition = 0;
  int64_t base_offset = 0, next_offset = 0, log_start = 0, high_watermark = 0;
  uint64_t log_id = 0;
  std::optional<Failure> error;
  std::string_view session;   // of the first frame
  std::string_view messages;  // encoded elements of `messages`, with their tags
};
// Everything before the bytes of `records`; 0 of them: no such field.
std::string write_fetch_head(const FetchHead& head, uint64_t records_bytes);

}  // namespace ion::transport_grpc
