// A batch in flight as interceptors see it (ion_msg): attributes, records, edits. Decodes on first need, encodes when edited.
// Thread: one call at a time. Views that were handed out live until the verdict.
#pragma once
#include <ion/abi/contract/interceptor.h>
#include <ion/record_reader.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ion::pipeline {

struct BatchInFlight {
  std::string topic;
  int32_t partition = 0;
  std::string principal, client_id, address;
  batch::Header header;
  std::span<const ion_buf> parts;  // borrowed until the run is over
};

class MessageView {
 public:
  explicit MessageView(const BatchInFlight& batch) : batch_(batch) {}
  MessageView(const MessageView&) = delete;

  ion_msg* handle() noexcept { return reinterpret_cast<ion_msg*>(this); }
  static const ion_msg_api* api() noexcept;

  Status decode();  // UNSUPPORTED for a compressed batch, CORRUPT for records that do not fit
  bool edited() const noexcept { return edited_; }
  // The batch with its edits: producer, sequences, times and last offset delta as they were, so that idempotence holds.
  // Empty when every record was dropped.
  std::vector<uint8_t> encode() const;

  Status reason;                              // what an interceptor said
  std::optional<std::pair<std::string, int32_t>> routed;
  std::function<ion_status(int32_t)> resume;  // set while somebody is PENDING

 private:
  struct Item {
    int32_t offset_delta = 0;
    WallMs time;
    std::optional<std::vector<uint8_t>> key, value;
    std::vector<std::pair<std::string, std::optional<std::vector<uint8_t>>>> headers;
    std::vector<ion_field> fields;  // views of `headers`
    bool dropped = false;
  };
  static Item to_item(const batch::Record& r, Offset base);
  ion_status attribute(uint32_t what, ion_bytes* out);
  ion_status record(uint32_t i, ion_record* out);
  ion_status edit(uint32_t i, const ion_record* with);

  const BatchInFlight& batch_;
  std::string partition_text_;
  std::vector<uint8_t> joined_;
  std::vector<Item> items_;
  bool decoded_ = false, edited_ = false;
};

}  // namespace ion::pipeline
