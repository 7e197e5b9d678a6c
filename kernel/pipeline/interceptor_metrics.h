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
    const auto counter = [&](const char* name, const char* unit, const char* help) -> Result<observe::Series*> {
      ION_TRY(observe::Metric* const metric, registry.declare({ION_COUNTER, name, unit, help, kPluginsMax}));
      return registry.series(*metric, {&label, 1});
    };
    ION_TRY(m.calls_, counter("ionstream_interceptor_calls_total", "calls", "Batches that an interceptor was asked about."));
    ION_TRY(m.cpu_, counter("ionstream_interceptor_cpu_nanoseconds_total", "nanoseconds", "Processor time of these calls."));
    ION_TRY(m.slow_, counter("ionstream_interceptor_slow_total", "calls", "Calls that took more processor time than `budget`."));
    ION_TRY(m.failures_, counter("ionstream_interceptor_failures_total", "calls", "Calls that ended in no verdict, or too late."));
    ION_TRY(m.passed_over_, counter("ionstream_interceptor_passed_over_total", "batches", "Batches for which the interceptor was not asked."));
    return m;
  }
  void called(Nanos cpu) { add(calls_, 1), add(cpu_, cpu.n); }
  void slow() { add(slow_, 1); }
  void failed() { add(failures_, 1); }
  void passed_over() { add(passed_over_, 1); }

 private:
  static constexpr uint32_t kPluginsMax = 64;
  static void add(observe::Series* to, int64_t n) {
    if (to != nullptr) to->record(n);
  }
  observe::Series *calls_ = nullptr, *cpu_ = nullptr, *slow_ = nullptr, *failures_ = nullptr, *passed_over_ = nullptr;
};

}  // namespace ion::pipeline
