// StreamMessage <-> record batch, for clients that do not build batches. Values only; any thread.
#pragma once
#include <ion/record_writer.h>
#include <ion/result.h>

#include <cstdint>
#include <functional>
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
  uint64_t opened_bytes_max = 0;  // the same once a compressed batch was opened: it may be many times what was read. 0: bytes_max
  // Asked before memory for an opened batch is taken. May be empty.
  std::function<Status(uint64_t bytes)> admit = {};
};
// The compressed batch that was opened last, for who reads on in the middle of it.
struct OpenedBatch {
  int64_t base = -1;
  uint32_t crc = 0;
  Buf bytes;
};
struct Decoded {
  std::string messages;     // elements of FetchResponse.messages with their tags
  int64_t next_offset = 0;  // behind the last one that was given or left out
  bool opened = false;      // some came out of a compressed batch
};
// `batches` are whole record batches back to back. Damaged: CORRUPT; a batch that may not be opened now: what `admit` says, or NO_MEMORY. `kept`
// may be null; else it holds the batch in which reading stopped, and nothing where it stopped between two.
Result<Decoded> decode_messages(std::string_view batches, const DecodeWish& wish, OpenedBatch* kept = nullptr);

}  // namespace ion::transport_grpc
