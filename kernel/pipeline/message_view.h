// A batch in flight as interceptors see it (ion_msg): attributes, records, edits. The records are decoded when the first interceptor
// asks for them, as views of the batch; it is encoded again only if somebody edited, and then records that nobody touched are copied
// as they are. Offset deltas and sequences never change: a record that was taken out leaves a gap, as in a compacted log of Kafka,
// so that the offsets in the producer's receipts and the sequences of an idempotent producer stay right.
// Thread: one call at a time. What was handed out lives until the next interceptor is asked.
#pragma once
#include <ion/abi/contract/interceptor.h>
#include <ion/bytes.h>
#include <ion/record_reader.h>

#include <functional>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ion::pipeline {

struct BatchInFlight {
  std::string topic;
  int32_t partition = 0;
  std::string principal, client_id, address;
  batch::Header header;
  std::span<const ion_buf> parts;  // borrowed until the run is over
  Buf opened;                      // of a compressed batch, for whoever needs records: the same without compression

  // Another batch of the same request: no header, no parts.
  BatchInFlight sibling() const {
    BatchInFlight other;
    other.topic = topic, other.partition = partition, other.principal = principal, other.client_id = client_id, other.address = address;
    return other;
  }
  // Of a request, whose texts are copied; `who` may be null. Header and parts follow when they are known.
  template <class Request>
  static BatchInFlight of(const Request& r) {
    BatchInFlight batch;
    batch.topic = text_of(r.topic), batch.partition = r.partition;
    if (r.who != nullptr) batch.principal = text_of(r.who->principal), batch.client_id = text_of(r.who->client_id), batch.address = text_of(r.who->address);
    return batch;
  }
};

// A record that is not stored. `why` is OK when it was dropped, else it was rejected.
struct RecordOutcome {
  int32_t index = 0;  // in the batch as the producer sent it, from 0
  Status why;
};

class MessageView {
 public:
  explicit MessageView(BatchInFlight batch) : batch_(std::move(batch)) {}
  MessageView(const MessageView&) = delete;

  ion_msg* handle() noexcept { return reinterpret_cast<ion_msg*>(this); }
  static const ion_msg_api* api() noexcept;
  const BatchInFlight& batch() const noexcept { return batch_; }

  // Memory that decode() takes, for admission; 0 once decoded.
  uint64_t decode_bytes() const noexcept;
  Status decode();  // CORRUPT for records that do not fit
  // Before an interceptor is asked: what others took out is not there any more, its own words begin empty.
  void next_interceptor();
  void drop_all();  // the verdict DROP
  bool edited() const noexcept { return edited_; }
  int32_t records_left() const noexcept;
  uint32_t count() const noexcept { return static_cast<uint32_t>(decoded_ ? items_.size() : static_cast<size_t>(batch_.header.count)); }  // shown to the one being asked
  // The batch as it is now, perhaps without any record, and uncompressed if it was decoded; without the producer's identity when `for_other_log`.
  std::vector<uint8_t> encode(bool for_other_log) const;
  // The header alone, with offsets and sequences as they are: it uses them up.
  static std::vector<uint8_t> without_records(batch::Header h);
  // The run is over: all memory of the batch is given back. What a plugin asks later is answered as of an empty batch.
  void forget();

  Status reason;                                        // what an interceptor said
  Status misused;                                       // what it did that it may not
  std::optional<Status> rejected_record;                // the first one that the interceptor being asked rejected
  std::vector<RecordOutcome> outcomes;                  // of all interceptors
  std::optional<std::pair<std::string, int32_t>> routed;
  std::function<ion_status(int32_t)> resume;

 private:
  using Field = std::optional<std::span<const uint8_t>>;
  struct Item {
    int32_t offset_delta = 0;
    WallMs time;
    Field key, value;
    std::span<const uint8_t> encoded;          // as it came, with its length; empty once edited
    std::span<const uint8_t> encoded_headers;  // as they came
    uint32_t header_count = 0;
    const ion_field* headers = nullptr;        // made when somebody asks
    bool gone = false;
  };
  ion_status attribute(uint32_t what, ion_bytes* out);
  ion_status record(uint32_t i, ion_record* out);
  ion_status edit(uint32_t i, const ion_record* by);
  ion_status reject_record(uint32_t i, Status why);
  ion_status take_out(uint32_t i, Status why);
  ion_status not_decoded();
  void decode_headers(Item& item);
  std::span<const uint8_t> keep(ion_bytes bytes);
  static void append_encoded(const Item& item, WallMs base, std::vector<uint8_t>& to);

  BatchInFlight batch_;
  std::string partition_text_;
  Buf bytes_;  // the batch in one piece: shared with the request if it is one, else a copy
  std::pmr::monotonic_buffer_resource edits_;
  std::vector<Item> items_;
  bool decoded_ = false, edited_ = false, all_gone_ = false;
};

}  // namespace ion::pipeline
