// ion.interceptor/1 in C++: a rule over batches in flight. Promises: ion/abi/contract/interceptor.h.
#pragma once
#include <ion/abi/contract/interceptor.h>
#include <ion/bytes.h>
#include <ion/result.h>

#include <span>
#include <string_view>

namespace ion {

enum class Verdict : int32_t {
  kContinue = ION_V_CONTINUE, kReplace = ION_V_REPLACE, kDrop = ION_V_DROP, kReject = ION_V_REJECT, kRoute = ION_V_ROUTE, kPending = ION_V_PENDING
};
// No verdict but a failure (a negative ion_code, as an exception or a missing member gives): the configured policy decides.
constexpr bool is_failure(Verdict verdict) { return static_cast<int32_t>(verdict) < 0; }
enum class Hook : uint32_t { kProduce = ION_HOOK_PRODUCE, kFetch = ION_HOOK_FETCH, kAck = ION_HOOK_ACK, kConnect = ION_HOOK_CONNECT };

// A record seen through the message. What it shows lives as long as the message: ion_msg in the C header.
class RecordView {
 public:
  RecordView(const ion_record& raw, uint32_t at) : raw_(raw), at_(at) {}
  uint32_t at() const { return at_; }                                     // for drop_record, reject_record, replace_record
  int32_t index() const { return static_cast<int32_t>(raw_.offset); }     // in the batch as its producer sent it
  std::span<const uint8_t> key() const { return span_of(raw_.key); }
  std::span<const uint8_t> value() const { return span_of(raw_.value); }
  bool has_key() const { return raw_.key.p != nullptr; }      // null is not empty
  bool has_value() const { return raw_.value.p != nullptr; }  // false: a tombstone
  int64_t time_ms() const { return raw_.time_ms; }
  std::span<const ion_field> headers() const { return {raw_.headers, raw_.nheaders}; }
  const ion_record& raw() const { return raw_; }  // a copy of it is where a changed record begins

 private:
  ion_record raw_;
  uint32_t at_;
};

// A batch in flight: topic, caller and records, and what may be done with them. Rules and lives: ion/abi/contract/interceptor.h.
class Message {
 public:
  Message(ion_msg* m, const ion_msg_api* api) : m_(m), api_(api) {}
  std::string_view attribute(ion_msg_attr what) const {
    ion_bytes out{};
    return api_->attr(m_, what, &out) == ION_OK ? text_of(out) : std::string_view();
  }
  std::string_view topic() const { return attribute(ION_MSG_TOPIC); }
  std::string_view principal() const { return attribute(ION_MSG_PRINCIPAL); }
  std::string_view client_id() const { return attribute(ION_MSG_CLIENT_ID); }
  std::string_view address() const { return attribute(ION_MSG_ADDRESS); }
  uint32_t count() const { return api_->count(m_); }
  // Record `i` of count(); one without anything when this plugin took it out itself.
  RecordView operator[](uint32_t i) const {
    ion_record r{};
    r.size = sizeof r;
    (void)api_->record(m_, i, &r);
    return RecordView(r, i);
  }
  // `return batch.reject(...)`: the producer gets this error for the whole batch.
  Verdict reject(Code code, std::string_view why) {
    api_->reason(m_, code, bytes_of(why));
    return Verdict::kReject;
  }
  // Rejects one record; the others go on if the operator chose `on_reject: record`. Then answer kContinue.
  Status reject_record(uint32_t i, Code code, std::string_view why) {
    if (!ION_HAS(api_, reject_record)) return Status(ION_E_UNSUPPORTED, "this broker does not reject single records");
    return Status::from(api_->reject_record(m_, i, code, bytes_of(why)), nullptr);
  }
  // The record is not stored; its producer is told so, without an error.
  Status drop_record(uint32_t i) { return Status::from(api_->edit(m_, i, nullptr), nullptr); }
  // Another value; key, headers and time stay as they are.
  Status replace_value(uint32_t i, std::span<const uint8_t> value) {
    static constexpr uint8_t kEmpty = 0;  // a null pointer would be no value
    ion_record record{};
    record.size = sizeof record;
    ION_CHECK(Status::from(api_->record(m_, i, &record), nullptr));
    record.value = {value.empty() ? &kEmpty : value.data(), value.size()};
    return replace_record(i, record);
  }
  Status replace_value(uint32_t i, std::string_view value) { return replace_value(i, span_of(value)); }
  // `with` is a whole record: begin with RecordView::raw(), or set `size`. Its time is not looked at.
  Status replace_record(uint32_t i, const ion_record& with) { return Status::from(api_->edit(m_, i, &with), nullptr); }
  Verdict route(std::string_view topic, int32_t partition) {
    return api_->route(m_, bytes_of(topic), partition) == ION_OK ? Verdict::kRoute : reject(ION_E_INVALID, "cannot route there");
  }

  ion_msg* raw() const { return m_; }  // for bridges
  const ion_msg_api* api() const { return api_; }

  // for (ion::RecordView record : message): those that are there; what this plugin took out is passed over.
  class Iterator {
   public:
    Iterator(const Message* of, uint32_t at) : of_(of), at_(at) { find(); }
    RecordView operator*() const { return RecordView(raw_, at_); }
    Iterator& operator++() { return ++at_, find(), *this; }
    bool operator!=(const Iterator& o) const { return at_ != o.at_; }

   private:
    void find() {
      for (; at_ < of_->count(); ++at_) {
        raw_.size = sizeof raw_;
        if (of_->api_->record(of_->m_, at_, &raw_) == ION_OK) return;
      }
    }
    const Message* of_;
    uint32_t at_;
    ion_record raw_{};
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, count()}; }

 private:
  ion_msg* m_;
  const ion_msg_api* api_;
};

class Interceptor {
 public:
  virtual ~Interceptor() = default;
  virtual uint32_t hooks() const = 0;  // ion_hook bits; constant, like needs and flags
  virtual uint32_t needs() const = 0;  // ion_need bits
  virtual uint32_t flags() const { return 0; }
  // One batch; must not block. ANY thread if REENTRANT, else one call at a time. An exception is a failure of the plugin.
  virtual Verdict on(Hook hook, Message& message) = 0;
};

}  // namespace ion
