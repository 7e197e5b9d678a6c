// The plugin ion.redact: an interceptor that masks or removes what must not be stored.
#include "io/redactor.h"

#include <ion/bridge/interceptor_bridge.h>
#include <ion/plugin.h>

#include <algorithm>
#include <deque>
#include <stdexcept>

namespace ion::redact {

class Redact {
 public:
  using Config = RedactConfig;
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE, kNeeds = ION_NEED_RECORDS, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;

  Redact(Redactor redactor, std::vector<std::string> topics) : redactor_(std::move(redactor)), topics_(std::move(topics)) {}
  static Result<std::unique_ptr<Redact>> create(Host, const RedactConfig& config) {
    ION_TRY(Redactor redactor, Redactor::make(config));
    return std::make_unique<Redact>(std::move(redactor), config.topics);
  }
  Status start() { return {}; }
  Answer drain(Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &export_interceptor<Redact> : nullptr; }

  Verdict on(Hook, Message& batch) {
    if (!topics_.empty() && std::find(topics_.begin(), topics_.end(), batch.topic()) == topics_.end()) return Verdict::kContinue;
    for (const RecordView record : batch)
      if (const Status done = redact(batch, record); !done.ok()) (void)batch.reject_record(record.at(), ION_E_REJECTED, done.message());
    return Verdict::kContinue;
  }

 private:
  Status redact(Message& batch, const RecordView& record) const {
    std::optional<std::string> value;
    if (record.has_value()) {
      ION_TRY(value, redactor_.value(text_of(record.value())));
    }
    bool changed = value.has_value();
    std::vector<ion_field> headers;
    std::deque<std::string> texts;  // what changed headers point to
    for (const ion_field& field : record.headers()) {
      const Redactor::Header becomes = redactor_.header(text_of(field.key), text_of(field.value));
      changed |= becomes.removed || becomes.value;
      if (becomes.removed) continue;
      headers.push_back(field);
      if (becomes.value) headers.back().value = bytes_of(texts.emplace_back(*becomes.value));
    }
    if (!changed) return {};
    static constexpr uint8_t kEmpty = 0;  // a null pointer would be no value
    ion_record with = record.raw();
    with.headers = headers.data(), with.nheaders = static_cast<uint32_t>(headers.size());
    if (value) with.value = value->empty() ? ion_bytes{&kEmpty, 0} : bytes_of(*value);
    const Status edited = batch.replace_record(record.at(), with);
    if (!edited.ok()) throw std::runtime_error("a record could not be changed: " + edited.text());  // it must not be stored as it is
    return {};
  }
  const Redactor redactor_;
  const std::vector<std::string> topics_;
};

}  // namespace ion::redact

ION_PLUGIN(ion::redact::Redact, "ion.redact", "0.1.0", "ion.interceptor/1", "")
