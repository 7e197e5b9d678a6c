// What an interceptor that needs only the header adds to a batch, in processor time: a chain of 1 and a chain of 9 in turn, so that what a
// run costs by itself is not counted. Prints the median of the rounds; a plain program, never a test.
//
//   interceptor_bench [ROUNDS]
#include "base/system_clock.h"
#include "pipeline/interceptor_chain.h"

#include <ion/record_writer.h>

#include <fmt/format.h>

#include <ctime>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace ion;
using namespace ion::pipeline;

constexpr int kBatches = 200'000;

int32_t look_at_topic(void*, uint32_t, ion_msg* m, const ion_msg_api* api) noexcept {
  ion_bytes topic{};
  (void)api->attr(m, ION_MSG_TOPIC, &topic);
  return topic.n != 0 ? ION_V_CONTINUE : ION_V_REJECT;
}
constexpr ion_interceptor kTable{sizeof(ion_interceptor), ION_HOOK_PRODUCE, ION_NEED_HEADER, ION_INTERCEPTOR_REENTRANT, &look_at_topic};

// Those that look after calls are armed once, and are not due while this runs.
class Undue final : public Timers {
 public:
  ~Undue() override {
    for (const auto& [fn, ctx] : armed_) fn(ctx);
  }
  Result<TimerHandle> arm(ShardId, Instant, ion_fn fn, void* ctx) override { return armed_.emplace_back(fn, ctx), static_cast<TimerHandle>(this); }
  bool disarm(TimerHandle) override { return false; }

 private:
  std::vector<std::pair<ion_fn, void*>> armed_;
};
class Silent final : public Logger {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

// As the world of a broker reads it.
Nanos thread_cpu() {
  timespec at{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return {at.tv_sec * 1'000'000'000 + at.tv_nsec};
}

class Chain {
 public:
  explicit Chain(int interceptors) {
    for (int i = 0; i < interceptors; ++i) {
      InterceptorPolicy policy;
      policy.name = "rule" + std::to_string(i);
      policy.ref = {&kTable, nullptr};
      policy.metrics = InterceptorMetrics::declare(metrics_, policy.name).value();
      (void)chain_.add(std::move(policy));
    }
    batch::RecordWriter writer;
    batch::NewRecord record;
    record.value = span_of(std::string_view("value"));
    writer.append(record);
    bytes_ = writer.finish();
    part_ = borrowed(bytes_);
  }
  // Nanoseconds of processor time for one batch.
  double round() {
    const Nanos began = thread_cpu();
    int passed = 0;
    for (int i = 0; i < kBatches; ++i) {
      BatchInFlight batch;
      batch.topic = "orders";
      batch.header = batch::read_header(bytes_.data());
      batch.parts = {&part_, 1};
      chain_.run({Hook::kProduce, {}}, std::move(batch), [&passed](const ChainResult& r) { passed += r.kind == ChainResult::Kind::kGo ? 1 : 0; });
    }
    if (passed != kBatches) std::exit(1);
    return static_cast<double>(thread_cpu().n - began.n) / kBatches;
  }

 private:
  base::SystemClock clock_;
  Undue timers_;
  Silent logger_;
  observe::Health health_;
  observe::MetricRegistry metrics_{2};
  InterceptorChain chain_{ChainServices{clock_, timers_, logger_, ShardId{0}, &thread_cpu, health_}};
  std::vector<uint8_t> bytes_;
  ion_buf part_{};
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  Chain one(1), nine(9);
  std::vector<double> each, whole;
  for (int i = 0; i < rounds; ++i) {
    const double first = one.round(), ninth = nine.round();
    each.push_back((ninth - first) / 8), whole.push_back(first);
  }
  std::sort(each.begin(), each.end()), std::sort(whole.begin(), whole.end());
  fmt::print("one more interceptor that needs only the header: {:.1f} ns per batch (median of {}, {:.1f} to {:.1f}); a run with one: {:.0f} ns\n", each[each.size() / 2], rounds,
             each.front(), each.back(), whole[whole.size() / 2]);
  return 0;
}
