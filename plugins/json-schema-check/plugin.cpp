// The plugin ion.json-schema-check: an interceptor that rejects records whose value does not match a JSON Schema.
#include "io/value_check.h"

#include <ion/bridge/interceptor_bridge.h>
#include <ion/plugin.h>

#include <algorithm>

namespace ion::json_schema_check {

class JsonSchemaCheck {
 public:
  using Config = CheckConfig;
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE, kNeeds = ION_NEED_RECORDS, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;

  explicit JsonSchemaCheck(ValueCheck check, std::vector<std::string> topics) : check_(std::move(check)), topics_(std::move(topics)) {}
  static Result<std::unique_ptr<JsonSchemaCheck>> create(Host host, const CheckConfig& config) {
    ION_TRY(ValueCheck check, ValueCheck::make(config));
    for (const std::string& place : check.unchecked()) host.log(LogLevel::kWarn, "this keyword of the schema is not checked", {{"place", place}});
    return std::make_unique<JsonSchemaCheck>(std::move(check), config.topics);
  }
  Status start() { return {}; }
  Answer drain(Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &export_interceptor<JsonSchemaCheck> : nullptr; }

  Verdict on(Hook, Message& batch) {
    if (!topics_.empty() && std::find(topics_.begin(), topics_.end(), batch.topic()) == topics_.end()) return Verdict::kContinue;
    for (const RecordView record : batch)
      if (const auto problem = check_.problem_of(record.has_value(), text_of(record.value())))
        (void)batch.reject_record(record.at(), ION_E_REJECTED, *problem);
    return Verdict::kContinue;
  }

 private:
  const ValueCheck check_;
  const std::vector<std::string> topics_;
};

}  // namespace ion::json_schema_check

ION_PLUGIN(ion::json_schema_check::JsonSchemaCheck, "ion.json-schema-check", "0.1.0", "ion.interceptor/1", "")
