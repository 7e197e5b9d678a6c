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

// A record seen through the message; views live until the verdict.
class RecordView {
 public:
  explicit RecordView(const ion_record& raw) : raw_(raw) {}
  std::span<const uint8_t> key() const { return span_of(raw_.key); }
  std::span<const uint8_t> value() const { return span_of(raw_.value); }
  bool has_key() const { return raw_.key.p != nullptr; }
  int64_t time_ms() const { return raw_.time_ms; }
  std::span<const ion_field> headers() const { return {raw_.headers, raw_.nheaders}; }

 private:
  ion_record raw_;
};

class Message {
 public:
  Message(ion_msg* m, const ion_msg_api* api) : m_(m), api_(api) {}
  std::string_view attribute(ion_msg_attr what) const {
    ion_bytes out{};
    return api_->attr(m_, what, &out) == ION_OK ? text_of(out) : std::string_view();
  }
  std::string_view topic() const { return attribute(ION_MSG_TOPIC); }
  uint32_t count() const { return api_->count(m_); }
  RecordView operator[](uint32_t i) const {
    ion_record r{};
    r.size = sizeof r;
    (void)api_->record(m_, i, &r);
    return RecordView(r);
  }
  Verdict reject(Code code, std::string_view why) {
    api_->reason(m_, code, bytes_of(why));
    return Verdict::kReject;
  }
  Status drop_record(uint32_t i) { return Status::from(api_->edit(m_, i, nullptr), nullptr); }
  Status replace_record(uint32_t i, const ion_record& with) { return Status::from(api_->edit(m_, i, &with), nullptr); }
  Verdict route(std::string_view topic, int32_t partition) {
    return api_->route(m_, bytes_of(topic), partition) == ION_OK ? Verdict::kRoute : reject(ION_E_INVALID, "cannot route there");
  }

  ion_msg* raw() const { return m_; }  // for bridges
  const ion_msg_api* api() const { return api_; }

  // for (ion::RecordView record : message)
  class Iterator {
   public:
    Iterator(const Message* of, uint32_t at) : of_(of), at_(at) {}
    RecordView operator*() const { return (*of_)[at_]; }
    Iterator& operator++() { return ++at_, *this; }
    bool operator!=(const Iterator& o) const { return at_ != o.at_; }

   private:
    const Message* of_;
    uint32_t at_;
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
  virtual uint32_t hooks() const = 0;
  virtual uint32_t needs() const = 0;
  virtual uint32_t flags() const { return 0; }
  virtual Verdict on(Hook hook, Message& message) = 0;  // ANY if REENTRANT, else one call at a time
};

}  // namespace ion
