// Uses every host service, each in the way its header allows, and counts what it saw.
#include "../test_contract.h"

#include <ion/bridge/events_bridge.h>
#include <ion/bridge/files_bridge.h>
#include <ion/bridge/host_bridge.h>
#include <ion/bridge/services_bridge.h>
#include <ion/plugin.h>

#include <atomic>
#include <map>
#include <mutex>

namespace {

struct GoodConfig {
  uint64_t size = 4096;
  std::string greeting = "hello";
  static constexpr auto rows() {
    return std::tuple{ion::row("size", &GoodConfig::size, ion::kBytes, 1, 1 << 20, "bytes that are written"),
                      ion::row("greeting", &GoodConfig::greeting, "what is written into the file")};
  }
};

class Good {
 public:
  using Config = GoodConfig;
  Good(ion::Host host, GoodConfig config) : host_(host), config_(std::move(config)) {}

  static ion::Result<std::unique_ptr<Good>> create(ion::Host host, GoodConfig config) {
    auto good = std::make_unique<Good>(host, std::move(config));
    good->see("closed_in_create", host.get("ion.test.other/1").has_value() ? 0 : 1);
    return good;
  }

  ion::Status start() {
    ION_CHECK(use_files());
    ION_CHECK(use_small_services());
    ION_CHECK(use_metrics());
    ION_CHECK(use_events());
    return use_rpc();
  }
  ion::Answer drain(ion::Op& op) { return op.ok(); }
  const void* table(std::string_view contract) { return contract == ION_TEST_PROBE_ID ? &kProbe : nullptr; }

 private:
  ion::Status use_files() {
    ION_TRY(const ion_ref ref, host_.get(ION_FILES_ID));
    ion::ImportedFiles files(ref);
    ION_CHECK(files.make_dir("notes"));
    ION_TRY(auto file, files.open("notes/greeting", ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE));
    ION_TRY(const uint64_t before, file->length());
    see("file_was_there", before);
    ION_CHECK(file->pwrite(0, ion::span_of(std::string_view(config_.greeting))));
    ION_CHECK(file->sync_data());
    std::vector<uint8_t> back(config_.greeting.size());
    ION_TRY(const uint64_t got, file->pread(0, back));
    see("file_bytes", got);
    see("file_equal", ion::text_of(back) == config_.greeting);
    return file->close();
  }
  ion::Status use_small_services() {
    ION_TRY(const ion_ref random, host_.get(ION_RANDOM_ID));
    see("random", ion::ImportedRandom(random).u64());
    ION_TRY(const ion_ref node, host_.get(ION_CONFIG_ID));
    ION_TRY(const ion::NodeFacts facts, ion::ImportedNode(node).facts());
    see("node", facts.node.v);
    see("cluster_ok", facts.cluster == "test-cluster");
    ION_TRY(const ion_ref threads, host_.get(ION_THREADS_ID));
    see("word", ion::ImportedThreads(threads).word());
    ION_TRY(const ion_ref buffers, host_.get(ION_BUFFERS_ID));
    uint8_t* to = nullptr;
    ION_TRY(ion::Buf buf, ion::ImportedBuffers(buffers).allocate(16, &to));
    to[15] = 7;
    see("buffer", buf.size() + buf.data()[15]);
    see("now", host_.now().ns);
    see("broker_api", host_.get(ION_BROKER_API_ID).has_value());
    see("undeclared", static_cast<uint64_t>(-raw_code("ion.kv/1")));
    see("optional", static_cast<uint64_t>(-raw_code("ion.test.absent/1")));
    ION_TRY(const ion_ref executors, host_.get(ION_EXECUTORS_ID));
    executor_.emplace(executors);
    see("home", executor_->home().v);
    see("shards", executor_->shards());
    ION_TRY(const ion_ref timers, host_.get(ION_TIMERS_ID));
    timers_.emplace(timers);
    host_.log(ion::LogLevel::kInfo, "good is ready", {{"greeting", config_.greeting}});
    return {};
  }
  ion::Status use_metrics() {
    ION_TRY(const ion_ref ref, host_.get(ION_METRICS_ID));
    ion::ImportedMetrics metrics(ref);
    ION_TRY(ion_metric * metric, metrics.declare(ION_COUNTER, {"ionstream_test_greetings_total", "1", "greetings"}, 1));
    ION_TRY(ion_series * series, metrics.series(metric, {}));
    metrics.record(series, 3);
    return {};
  }
  ion::Status use_events() {
    ION_TRY(const ion_ref ref, host_.get(ION_EVENTS_ID));
    const auto seen = [this](const ion_event& e) {
      count(("event " + std::to_string(e.kind) + " " + std::string(ion::text_of(e.topic)) + std::string(ion::text_of(e.keys))).c_str());
      see("event_id", e.topic_id[15]);
      host_.log(ion::LogLevel::kInfo, "good heard of an event", {{"kind", std::to_string(e.kind)}, {"topic", std::string(ion::text_of(e.topic))}});
      see("event_partitions", e.partitions);
    };
    ION_TRY(events_, ion::ImportedEvents(ref).subscribe(ION_EVENT_TOPIC_CREATED | ION_EVENT_TOPIC_ALTERED | ION_EVENT_CONFIG | ION_EVENT_DRAIN, seen));
    return {};
  }
  ion::Status use_rpc() {
    ION_TRY(const ion_ref ref, host_.get(ION_RPC_ID));
    const auto& rpc = *static_cast<const ion_rpc*>(ref.table);
    const std::string method = "/test.Good/Greet" + config_.greeting;
    const ion_rpc_handler handler{sizeof(ion_rpc_handler), ION_RPC_UNARY, ION_RPC_PUBLIC, 0,
                                  ion::bytes_of(method),   this,          &accept};
    ION_CHECK(ion::Status::from(rpc.add(ref.self, &handler), nullptr));
    see("rpc_twice", static_cast<uint64_t>(-rpc.add(ref.self, &handler)));
    return ion::Status::from(rpc.describe(ref.self, ion::bytes_of("descriptors of good")), nullptr);
  }

  int32_t raw_code(const char* id) const {
    ion_ref out{};
    return host_.raw()->get(host_.raw()->self, id, nullptr, &out);
  }
  void see(const char* what, uint64_t value) {
    const std::lock_guard lock(mutex_);
    seen_[what] = value;
  }
  void count(const char* what) {
    const std::lock_guard lock(mutex_);
    ++seen_[what];
  }
  static ion_status accept(void*, ion_stream*, const ion_stream_ops*, ion_stream_sink*) noexcept { return ION_E_UNSUPPORTED; }
  static void posted(void* self) noexcept { static_cast<Good*>(self)->count("posted"); }
  static void fired(void* self) noexcept { static_cast<Good*>(self)->count("fired"); }

  static ion_status ask(void* self, ion_bytes what, uint64_t* out) noexcept {
    auto& good = *static_cast<Good*>(self);
    const std::lock_guard lock(good.mutex_);
    const auto at = good.seen_.find(std::string(ion::text_of(what)));
    if (at == good.seen_.end()) return ION_E_NOT_FOUND;
    *out = at->second;
    return ION_OK;
  }
  static ion_status tell(void* self, ion_bytes raw) noexcept {
    auto& good = *static_cast<Good*>(self);
    const std::string_view what = ion::text_of(raw);
    if (what == "post") return good.executor_->post(good.executor_->home(), &posted, self).code();
    if (what == "no_events") return good.events_.end(), ION_OK;
    if (what == "fault") return good.host_.fault(ion::Status(ION_E_IO, "the disk is on fire")), ION_OK;
    if (what == "disarm") return good.timers_->disarm(good.timer_) ? ION_OK : ION_E_NOT_FOUND;
    if (what != "arm") return ION_E_NOT_FOUND;
    const auto armed = good.timers_->arm(good.executor_->home(), good.host_.now() + ion::seconds(1), &fired, self);
    if (armed) good.timer_ = *armed;
    return armed ? ION_OK : armed.error().code();
  }
  static constexpr ion_test_probe kProbe{sizeof(ion_test_probe), 0, &ask, &tell};

  const ion::Host host_;
  const GoodConfig config_;
  std::optional<ion::ImportedExecutor> executor_;
  std::optional<ion::ImportedTimers> timers_;
  ion::TimerHandle timer_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, uint64_t> seen_;
  ion::ImportedEvents::Subscription events_;  // the last one: it ends before what its function uses
};

}  // namespace

ION_PLUGIN(
    Good, "ion.test.good", "1.2.3", "ion.test.probe/1",
    "ion.files/1,ion.random/1,ion.config/1,ion.threads/1,ion.buffers/1,ion.executors/1,ion.timers/1,ion.metrics/1,ion.rpc/1,ion.events/1,"
    "ion.broker_api/1?,ion.test.other/1?,ion.test.absent/1?")
