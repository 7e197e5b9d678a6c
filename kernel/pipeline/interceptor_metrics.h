// What interceptors do, per plugin instance. Thread: events from ANY; declare before serving.
#pragma once
#include "observe/metric_registry.h"

#include <ion/bytes.h>
#include <ion/result.h>
#include <ion/time.h>

#include <string>

namespace ion::pipeline {

class InterceptorMetrics {
 public:
  static Result<InterceptorMetrics> declare(observe::MetricRegistry& registry, const std::string& plugin) {
    InterceptorMetrics m;
    const ion_field label{bytes_of("plugin"), bytes_of(plugin)};
    const auto one = [&](uint32_t kind, const char* name, const char* unit, const char* help) -> Result<observe::Series*> {
      ION_TRY(observe::Metric* const metric, registry.declare({kind, name, unit, help, kPluginsMax}));
      return registry.series(*metric, {&label, 1});
    };
    const auto counter = [&](const char* name, const char* unit, const char* help) { return one(ION_COUNTER, name, unit, help); };
    ION_TRY(m.calls_, counter("ionstream_interceptor_calls_total", "calls", "Batches that an interceptor was asked about."));
    ION_TRY(m.cpu_, counter("ionstream_interceptor_cpu_nanoseconds_total", "nanoseconds", "Processor time of these calls; one in 256 is measured and stands for the others, and each while some take long."));
    ION_TRY(m.slow_, counter("ionstream_interceptor_slow_total", "calls", "Calls that took more processor time than `budget`."));
    ION_TRY(m.failures_, counter("ionstream_interceptor_failures_total", "calls", "Calls that ended in no verdict, or too late."));
    ION_TRY(m.passed_over_, counter("ionstream_interceptor_passed_over_total", "batches", "Batches for which the interceptor was not asked."));
    ION_TRY(m.rejected_, counter("ionstream_interceptor_rejected_total", "records", "Records that were refused because of the interceptor."));
    ION_TRY(m.dropped_, counter("ionstream_interceptor_dropped_total", "records", "Records that the interceptor dropped."));
    ION_TRY(m.opened_, counter("ionstream_interceptor_breaker_opened_total", "openings", "How often the breaker opened."));
    ION_TRY(m.open_, one(ION_GAUGE, "ionstream_interceptor_breaker_open", "state", "1 while the breaker is open and the interceptor is not asked, else 0."));
    return m;
  }
  struct Counts {
    uint64_t calls = 0, slow = 0, failed = 0, rejected = 0, dropped = 0, passed_over = 0;
  };
  Counts counts() const {
    const auto n = [](const observe::Series* of) { return of == nullptr ? 0 : static_cast<uint64_t>(of->value()); };
    return {n(calls_), n(slow_), n(failures_), n(rejected_), n(dropped_), n(passed_over_)};
  }
  void called() { add(calls_, 1); }
  // Processor time of calls: of all of them, or of some that stand for the others.
  void measured(Nanos cpu) { add(cpu_, cpu.n); }
  void slow() { add(slow_, 1); }
  void failed() { add(failures_, 1); }
  void passed_over() { add(passed_over_, 1); }
  void rejected(uint64_t records) { add(rejected_, static_cast<int64_t>(records)); }
  void dropped(uint64_t records) { add(dropped_, static_cast<int64_t>(records)); }
  void breaker_opened() { add(opened_, 1), add(open_, 1); }
  void breaker_closed() { add(open_, 0); }

 private:
  static constexpr uint32_t kPluginsMax = 64;
  static void add(observe::Series* to, int64_t n) {
    if (to != nullptr) to->record(n);
  }
  observe::Series *calls_ = nullptr, *cpu_ = nullptr, *slow_ = nullptr, *failures_ = nullptr, *passed_over_ = nullptr, *rejected_ = nullptr,
                  *dropped_ = nullptr, *opened_ = nullptr, *open_ = nullptr;
};

}  // namespace ion::pipeline
