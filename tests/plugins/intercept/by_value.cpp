// An interceptor that does what the values of the records say, for tests of what then becomes of a batch:
//   "drop" drops the record · "reject" rejects it · "upper" writes it in capitals · "hide" is dropped when it is read
//   "drop-batch", "reject-batch", "route TOPIC", "throw", "keep": the verdict for the whole batch ("keep" is PENDING for ever)
#include <ion/bridge/interceptor_bridge.h>
#include <ion/plugin.h>

#include <stdexcept>

namespace {

class ByValue {
 public:
  using Config = ion::NoConfig;
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE | ION_HOOK_FETCH, kNeeds = ION_NEED_RECORDS, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;

  explicit ByValue(ion::Host host) : host_(host) {}
  static ion::Result<std::unique_ptr<ByValue>> create(ion::Host host, Config) { return std::make_unique<ByValue>(host); }
  ion::Status start() { return {}; }
  ion::Answer drain(ion::Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &ion::export_interceptor<ByValue> : nullptr; }

  ion::Verdict on(ion::Hook hook, ion::Message& batch) {
    for (const ion::RecordView record : batch) {
      const std::string_view value = ion::text_of(record.value());
      if (hook == ion::Hook::kFetch) {
        if (value == "hide") (void)batch.drop_record(record.at());
        continue;
      }
      if (value == "drop") (void)batch.drop_record(record.at());
      if (value == "reject") (void)batch.reject_record(record.at(), ION_E_REJECTED, "it says reject");
      if (value == "upper") replace(batch, record, "UPPER");
      if (value == "drop-batch") return ion::Verdict::kDrop;
      if (value == "reject-batch") return batch.reject(ION_E_REJECTED, "it says reject-batch");
      if (value.starts_with("route ")) return batch.route(value.substr(6), 0);
      if (value == "throw") throw std::runtime_error("it says throw");
      if (value == "keep") {
        host_.log(ion::LogLevel::kInfo, "keeps a batch");
        return ion::Verdict::kPending;
      }
    }
    return ion::Verdict::kContinue;
  }

 private:
  static void replace(ion::Message& batch, const ion::RecordView& record, std::string_view value) {
    ion_record with{};
    with.size = sizeof with;
    with.value = ion::bytes_of(value);
    with.headers = record.headers().data();
    with.nheaders = static_cast<uint32_t>(record.headers().size());
    (void)batch.replace_record(record.at(), with);
  }

  const ion::Host host_;
};

}  // namespace

ION_PLUGIN(ByValue, "ion.test.by-value", "0.1.0", "ion.interceptor/1", "")
