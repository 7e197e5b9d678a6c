// template-interceptor: an interceptor that limits what may be produced. All of a plugin is here: settings, rule, ION_PLUGIN.
#include <ion/bridge/interceptor_bridge.h>
#include <ion/plugin.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

// One field and one row for each setting: name, unit, range, help. The field's initializer is the default.
struct Settings {
  std::vector<std::string> topics;
  uint32_t records_max = 100'000;
  uint64_t bytes_max = 64 << 10;
  static constexpr auto rows() {
    return std::tuple{ion::row("topics", &Settings::topics, "The topics that are looked at; empty: all."),
                      ion::row("records_max", &Settings::records_max, ion::kCount, 1, 10'000'000, "The most records that a batch may have."),
                      ion::row("bytes_max", &Settings::bytes_max, ion::kBytes, 1, 1 << 30, "The largest value that may be produced.")};
  }
};

class Limits {
 public:
  using Config = Settings;
  // ION_NEED_RECORDS because check_values reads them. With check_header alone this would be ION_NEED_HEADER: then no batch is decoded
  // for this plugin, and a call costs some ten nanoseconds.
  // REENTRANT: nothing of an object changes after create, so `on` may run on several threads at a time.
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE, kNeeds = ION_NEED_RECORDS, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;

  explicit Limits(const Settings& settings) : settings_(settings) {}
  static ion::Result<std::unique_ptr<Limits>> create(ion::Host host, const Settings& settings) {
    host.log(ion::LogLevel::kInfo, "ready", {{"bytes_max", std::to_string(settings.bytes_max)}});
    return std::make_unique<Limits>(settings);
  }
  ion::Status start() { return {}; }
  ion::Answer drain(ion::Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &ion::export_interceptor<Limits> : nullptr; }

  ion::Verdict on(ion::Hook, ion::Message& batch) {
    if (!concerns(batch.topic())) return ion::Verdict::kContinue;
    const ion::Verdict verdict = check_header(batch);
    return verdict == ion::Verdict::kContinue ? check_values(batch) : verdict;
  }

 private:
  bool concerns(std::string_view topic) const {
    return settings_.topics.empty() || std::find(settings_.topics.begin(), settings_.topics.end(), topic) != settings_.topics.end();
  }
  // What is known without the records: topic, partition, caller, and how many there are.
  ion::Verdict check_header(ion::Message& batch) const {
    if (batch.count() <= settings_.records_max) return ion::Verdict::kContinue;
    return batch.reject(ION_E_REJECTED, "a batch of " + std::to_string(batch.count()) + " records is above records_max " +
                                            std::to_string(settings_.records_max));
  }
  // The error belongs to the record; `on_reject` of the configuration says whether the others of its batch are stored.
  ion::Verdict check_values(ion::Message& batch) const {
    for (const ion::RecordView record : batch)
      if (record.value().size() > settings_.bytes_max)
        (void)batch.reject_record(record.at(), ION_E_REJECTED,
                                  "a value of " + std::to_string(record.value().size()) + " bytes is above bytes_max " +
                                      std::to_string(settings_.bytes_max));
    return ion::Verdict::kContinue;
  }

  const Settings settings_;
};

}  // namespace

ION_PLUGIN(Limits, "demo.template-interceptor", "1.0.0", "ion.interceptor/1", "")
