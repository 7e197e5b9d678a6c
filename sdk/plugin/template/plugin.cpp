// The smallest useful plugin: an interceptor that rejects values above `bytes_max`. scripts/new-plugin.sh copies this folder.
#include <ion/bridge/interceptor_bridge.h>
#include <ion/plugin.h>

namespace max_size {

struct Config {
  uint64_t bytes_max = 64 << 10;
  static constexpr auto rows() {
    return std::tuple{ion::row("bytes_max", &Config::bytes_max, ion::kBytes, 1, 1 << 30, "The largest value that may be produced.")};
  }
};

class MaxSize {
 public:
  using Config = max_size::Config;
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE, kNeeds = ION_NEED_RECORDS, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;

  explicit MaxSize(const Config& config) : bytes_max_(config.bytes_max) {}
  static ion::Result<std::unique_ptr<MaxSize>> create(ion::Host host, const Config& config) {
    host.log(ion::LogLevel::kInfo, "ready", {{"bytes_max", std::to_string(config.bytes_max)}});
    return std::make_unique<MaxSize>(config);
  }
  ion::Status start() { return {}; }
  ion::Answer drain(ion::Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &ion::export_interceptor<MaxSize> : nullptr; }

  ion::Verdict on(ion::Hook, ion::Message& batch) {
    for (const ion::RecordView record : batch)
      if (record.value().size() > bytes_max_)
        (void)batch.reject_record(record.at(), ION_E_REJECTED,
                                  "a value of " + std::to_string(record.value().size()) + " bytes is above bytes_max " + std::to_string(bytes_max_));
    return ion::Verdict::kContinue;
  }

 private:
  const uint64_t bytes_max_;
};

}  // namespace max_size

ION_PLUGIN(max_size::MaxSize, "demo.max-size", "1.0.0", "ion.interceptor/1", "")
