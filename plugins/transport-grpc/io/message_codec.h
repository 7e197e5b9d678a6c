// StreamMessage <-> record batch, for clients that do not build batches. Values only; any thread.
#pragma once
#include <ion/record_writer.h>
#include <ion/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

// The messages of one ProduceRequest, parsed. Views point into it.
class PlainMessages {
 public:
  static Result<PlainMessages> parse(std::string_view produce_request);
  PlainMessages(PlainMessages&&) noexcept;
  ~PlainMessages();

  size_t size() const;
  std::optional<std::span<const uint8_t>> key(size_t i) const;
  // One finished batch of some of the messages, in this order. A message without a time gets `now`.
  std::vector<uint8_t> batch(std::span<const uint32_t> which, WallMs now, const batch::Identity& identity) const;

 private:
  struct Parsed;
  explicit PlainMessages(std::unique_ptr<Parsed> parsed);
  std::unique_ptr<Parsed> parsed_;
};

struct DecodeWish {
  int32_t partition = 0;
  int64_t from = 0;        // records below are left out: whole batches may begin before
  uint64_t log_id = 0;
  uint64_t bytes_max = 0;  // of the encoded messages; at least one is given
};
struct Decoded {
  std::string messages;     // elements of FetchResponse.messages with their tags
  int64_t next_offset = 0;  // behind the last one that was given or left out
};
// `batches` are whole record batches back to back. Compressed: UNSUPPORTED. Damaged: CORRUPT.
Result<Decoded> decode_messages(std::string_view batches, const DecodeWish& wish);

}  // namespace ion::transport_grpc
