// An interceptor of which there are several versions: it appends "-N", its number, to the value of each record. Every third batch is
// answered later, from the blocking pool, so that there are always some in flight when the next version comes.
#include <ion/bridge/interceptor_bridge.h>
#include <ion/bridge/services_bridge.h>
#include <ion/plugin.h>

#include <atomic>
#include <cstdlib>

#if !defined(GENERATION_ID)
#define GENERATION_ID "ion.test.generation"
#endif

#if defined(GENERATION_ABORTS)
namespace {
struct AtLoad {
  AtLoad() { std::abort(); }
} at_load;
}  // namespace
#endif

namespace {

struct GenerationConfig {
  std::string suffix = "-";
  static constexpr auto rows() { return std::tuple{ion::row("suffix", &GenerationConfig::suffix, "stands before the number")}; }
};

class Generation {
 public:
  using Config = GenerationConfig;
#if defined(GENERATION_ALSO_FETCH)
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE | ION_HOOK_FETCH;
#else
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE;
#endif
  static constexpr uint32_t kNeeds = ION_NEED_RECORDS, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;

  Generation(ion::Host host, Config config) : host_(host), suffix_(config.suffix + ION_TEXT(GENERATION)) {}
  static ion::Result<std::unique_ptr<Generation>> create(ion::Host host, Config config) { return std::make_unique<Generation>(host, std::move(config)); }
  ion::Status start() {
#if defined(GENERATION_FAILS_START)
    return {ION_E_BUSY, "its table of words is not there"};
#endif
    ION_TRY(const ion_ref executors, host_.get(ION_EXECUTORS_ID));
    executor_ = std::make_unique<ion::ImportedExecutor>(executors);
    return {};
  }
  ion::Answer drain(ion::Op& op) {
#if defined(GENERATION_NEVER_DRAINS)
    late_ = op.later();
    return op.pending();
#else
    return op.ok();
#endif
  }
  const void* table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &ion::export_interceptor<Generation> : nullptr; }

  ion::Verdict on(ion::Hook, ion::Message& batch) {
    for (const ion::RecordView record : batch) (void)batch.replace_value(record.at(), std::string(ion::text_of(record.value())) + suffix_);
    if (calls_.fetch_add(1) % 3 != 0) return ion::Verdict::kContinue;
    auto later = std::make_unique<Waiting>(Waiting{batch.raw(), batch.api()});
    if (!executor_->post_blocking(&Waiting::resume, later.get()).ok()) return ion::Verdict::kContinue;
    (void)later.release();
    return ion::Verdict::kPending;
  }

 private:
  struct Waiting {
    ion_msg* m;
    const ion_msg_api* api;
    static void resume(void* raw) noexcept {
      const std::unique_ptr<Waiting> self(static_cast<Waiting*>(raw));
      (void)self->api->resume(self->m, ION_V_CONTINUE);
    }
  };
  const ion::Host host_;
  const std::string suffix_;
  std::unique_ptr<ion::ImportedExecutor> executor_;
  std::atomic<uint32_t> calls_{0};
  ion::Later late_;
};

}  // namespace

ION_PLUGIN(Generation, GENERATION_ID, ION_TEXT(GENERATION) ".0.0", "ion.interceptor/1", "ion.executors/1")
