// An interceptor that breaks the promise that its settings name, or one that is chosen by a definition since it shows
// in the file; with none it keeps all. For the tests of ion-conform.
#include <ion/bridge/interceptor_bridge.h>
#include <ion/plugin.h>

#include <cstring>
#include <stdexcept>
#include <thread>

#ifndef BROKEN_NEEDS
#define BROKEN_NEEDS ""
#endif
#ifndef BROKEN_HOOKS
#define BROKEN_HOOKS ION_HOOK_PRODUCE
#endif
#ifndef BROKEN_RECORDS
#define BROKEN_RECORDS ION_NEED_RECORDS
#endif
#ifndef BROKEN_FLAGS
#define BROKEN_FLAGS 0
#endif

namespace {

#if defined(BROKEN_STATIC)
int calls = 0;  // what every instance of the process would share
#endif
#if defined(BROKEN_THREAD)
struct AtLoad {
  AtLoad() { std::thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); }).detach(); }
} at_load;
#endif

// The compiler may leave out an allocation that nobody looks at.
void lose(size_t bytes) { asm volatile("" : : "r"(new char[bytes]) : "memory"); }

struct Settings {
  std::string defect;
  static constexpr auto rows() { return std::tuple{ion::row("defect", &Settings::defect, "The promise that is broken; empty: none.")}; }
};
struct AnyKeys : Settings {
  static constexpr auto rows() { return std::tuple{}; }
};

class Broken {
 public:
#if defined(BROKEN_ANY_KEY)
  using Config = AnyKeys;
#else
  using Config = Settings;
#endif
  static constexpr uint32_t kHooks = BROKEN_HOOKS, kNeeds = BROKEN_RECORDS, kInterceptorFlags = BROKEN_FLAGS;

  explicit Broken(std::string defect) : defect_(std::move(defect)) {}
  static ion::Result<std::unique_ptr<Broken>> create(ion::Host, const Config& config) {
    if (config.defect == "leak-of-life") {
      lose(200);
    }
    return std::make_unique<Broken>(config.defect);
  }
  ~Broken() {
    if (is("destroy")) *started_ = 1;
  }
  ion::Status start() {
    started_ = &place_;
    return {};
  }
  ion::Answer drain(ion::Op& op) {
    if (is("drain")) {
      new ion::Later(op.later());
      return op.pending();
    }
    return op.ok();
  }
  const void* table(std::string_view id) {
    if (is("any-table")) {
      return id.starts_with("ion.interceptor") ? &ion::export_interceptor<Broken> : nullptr;
    }
    return id == ION_INTERCEPTOR_ID ? &ion::export_interceptor<Broken> : nullptr;
  }

  ion::Verdict on([[maybe_unused]] ion::Hook hook, [[maybe_unused]] ion::Message& batch) {
#if defined(BROKEN_STATIC)
    ++calls;
#endif
    if (is("verdict")) {
      return static_cast<ion::Verdict>(42);
    } else if (is("throws")) {
      for (const ion::RecordView r : batch)
        if (!r.has_value()) throw std::runtime_error("a record without a value");
    } else if (is("keeps")) {
      for (const uint8_t byte : kept_) sum_ = sum_ + byte;
      kept_ = batch[0].value();
    } else if (is("writes")) {
      for (const ion::RecordView r : batch)
        if (!r.value().empty()) const_cast<uint8_t&>(r.value()[0]) = 'X';
    } else if (is("reads")) {
      sum_ = sum_ + static_cast<int>(batch[0].value().size());
    } else if (is("beyond")) {
      (void)batch.drop_record(batch.count());
    } else if (is("silent")) {
      return ion::Verdict::kPending;
    } else if (is("twice")) {
      batch.api()->resume(batch.raw(), ION_V_CONTINUE);
      batch.api()->resume(batch.raw(), ION_V_CONTINUE);
      return ion::Verdict::kPending;
    } else if (is("resumes")) {
      batch.api()->resume(batch.raw(), ION_V_CONTINUE);
    } else if (is("route")) {
      return ion::Verdict::kRoute;
    } else if (is("young")) {
      batch.api()->reject_record(batch.raw(), 0, ION_E_REJECTED, ion::bytes_of(std::string_view("no")));
    } else if (is("race")) {
      return first_ == std::thread::id() || first_ == std::this_thread::get_id() ? (first_ = std::this_thread::get_id(), ion::Verdict::kContinue) : ion::Verdict::kDrop;
    } else if (is("leak")) {
      lose(100);
    } else if (is("loop")) {
      for (volatile int forever = 1; forever != 0;) continue;
    }
    return ion::Verdict::kContinue;
  }

 private:
  bool is(std::string_view defect) const { return defect_ == defect; }
  const std::string defect_;
  int place_ = 0;
  volatile int sum_ = 0;
  int* started_ = nullptr;
  std::span<const uint8_t> kept_;
  std::thread::id first_;
};

}  // namespace

#if defined(BROKEN_ANY_KEY)
namespace ion {
template <>
constexpr std::string schema_of<AnyKeys>() {
  return R"({"type":"object"})";
}
}  // namespace ion
#endif
#if defined(BROKEN_EXPORT)
extern "C" __attribute__((visibility("default"))) int ion_test_second_export() { return 1; }
#endif

#if defined(BROKEN_ANY_MAJOR)
#define ion_plugin_entry_v1 entry_of_one_major
#endif
ION_PLUGIN(Broken, "ion.test.broken", "0.1.0", "ion.interceptor/1", BROKEN_NEEDS)
#if defined(BROKEN_ANY_MAJOR)
#undef ion_plugin_entry_v1
extern "C" __attribute__((visibility("default"))) const ion_plugin* ion_plugin_entry_v1(const ion_probe*) noexcept { return &ion_descriptor; }
#endif
