// A good interceptor until a record says "now"; then it breaks the one rule that its PLANTED_ definition names.
#include <ion/bridge/interceptor_bridge.h>
#include <ion/bridge/services_bridge.h>
#include <ion/plugin.h>

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#if defined(PLANTED_TWO_EXPORTS)
extern "C" __attribute__((visibility("default"))) int ion_test_second_export() { return 2; }
#endif

namespace {

#if defined(PLANTED_STATIC_STATE)
std::map<std::string, int>& shared_counts() {
  static std::map<std::string, int> counts;
  return counts;
}
#endif

// Keeps the loop from being reasoned away.
[[maybe_unused]] bool for_ever() {
  const volatile bool yes = true;
  return yes;
}

class Planted {
 public:
  using Config = ion::NoConfig;
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE, kNeeds = ION_NEED_RECORDS;

  explicit Planted(ion::Host host) : host_(host) {}
  static ion::Result<std::unique_ptr<Planted>> create(ion::Host host, Config) { return std::make_unique<Planted>(host); }
  ion::Status start() {
    ION_TRY(const ion_ref executors, host_.get(ION_EXECUTORS_ID));
    executor_ = std::make_unique<ion::ImportedExecutor>(executors);
    ION_TRY(buffers_, host_.get(ION_BUFFERS_ID));
    return {};
  }
  ion::Answer drain(ion::Op& op) {
#if defined(PLANTED_LATE_DRAIN)
    late_ = op.later();
    return op.pending();
#else
    return op.ok();
#endif
  }
  const void* table(std::string_view id);

  ion::Verdict on(ion::Hook, ion::Message& batch) {
#if defined(PLANTED_STATIC_STATE)
    ++shared_counts()[std::string(batch.topic())];
#endif
    for (const ion::RecordView record : batch)
      if (ion::text_of(record.value()) == "now") return misbehave(batch);
    return ion::Verdict::kContinue;
  }

 private:
  ion::Verdict misbehave([[maybe_unused]] ion::Message& batch) {
#if defined(PLANTED_DOUBLE_COMPLETION)
    resume_twice(batch);
    return ion::Verdict::kPending;
#elif defined(PLANTED_NEVER_ANSWERS)
    return ion::Verdict::kPending;
#elif defined(PLANTED_LEAKED_LEASE)
    uint8_t* to = nullptr;
    auto buffer = ion::ImportedBuffers(buffers_).allocate(4096, &to);
    if (buffer) (void)buffer->release();  // nobody gives it back
#elif defined(PLANTED_WRONG_THREAD)
    (void)host_.get(ION_EXECUTORS_ID);  // a function of the control thread
#elif defined(PLANTED_THROWS_IN_CALLBACK)
    throw std::runtime_error("thrown through the table");
#elif defined(PLANTED_ENDLESS_LOOP)
    while (for_ever()) continue;
#endif
    return ion::Verdict::kContinue;
  }
#if defined(PLANTED_DOUBLE_COMPLETION)
  struct Twice {
    ion_msg* m;
    const ion_msg_api* api;
  };
  void resume_twice(ion::Message& batch) {
    (void)executor_->post_blocking(
        [](void* raw) noexcept {
          const std::unique_ptr<Twice> twice(static_cast<Twice*>(raw));
          (void)twice->api->resume(twice->m, ION_V_CONTINUE);
          (void)twice->api->resume(twice->m, ION_V_DROP);
        },
        new Twice{batch.raw(), batch.api()});
  }
#endif

  const ion::Host host_;
  std::unique_ptr<ion::ImportedExecutor> executor_;
  ion_ref buffers_{};
  ion::Later late_;
};

#if defined(PLANTED_THROWS_IN_CALLBACK)
// Without a bridge, and without `noexcept`, which a table of another language or compiler may lack.
int32_t thrower(void* self, uint32_t hook, ion_msg* m, const ion_msg_api* api) {
  ion::Message message(m, api);
  return static_cast<int32_t>(static_cast<Planted*>(self)->on(static_cast<ion::Hook>(hook), message));
}
using Declared = decltype(ion_interceptor::on);
const void* Planted::table(std::string_view id) {
  static const ion_interceptor table{sizeof(ion_interceptor), kHooks, kNeeds, 0, reinterpret_cast<Declared>(&thrower)};
  return id == ION_INTERCEPTOR_ID ? &table : nullptr;
}
#elif defined(PLANTED_WRONG_SIZE)
constexpr ion_interceptor kShort{8, Planted::kHooks, Planted::kNeeds, 0, &ion::bridge::ExportedInterceptor<Planted>::on};
const void* Planted::table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &kShort : nullptr; }
#else
const void* Planted::table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &ion::export_interceptor<Planted> : nullptr; }
#endif

}  // namespace

ION_PLUGIN(Planted, PLANTED_ID, "0.1.0", "ion.interceptor/1", "ion.executors/1,ion.buffers/1")
