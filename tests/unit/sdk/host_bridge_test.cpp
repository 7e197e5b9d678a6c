#include <gtest/gtest.h>
#include <ion/bridge/host_bridge.h>

#include <string>
#include <vector>

namespace ion {
namespace {

// What the kernel keeps for one plugin instance.
struct Instance final : Clock, Logger {
  Instant monotonic{5};
  std::vector<std::string> lines;
  Status faulted;
  Clock& clock() { return *this; }
  Logger& logger() { return *this; }
  Instant now() override { return monotonic; }
  WallMs wall() override { return {1700}; }
  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) override {
    std::string line = std::to_string(static_cast<int>(level)) + ' ' + std::string(text);
    for (const LogField& f : fields) line += ' ' + std::string(f.key) + '=' + f.value;
    lines.push_back(std::move(line));
  }
  Result<ion_ref> get(std::string_view id, std::string_view instance) {
    if (id == "ion.bad/1") throw std::runtime_error("get threw");
    if (id != "ion.files/1") return Status(ION_E_NOT_FOUND, "no such service");
    return ion_ref{instance == "second" ? "two" : "one", this};
  }
  void fault(const Status& why) { faulted = why; }
};
struct ThereAndBack {
  Instance instance;
  ion_host host = export_host(instance);
};

TEST(HostBridge, clocks_cross) {
  ThereAndBack there;
  ImportedClock clock(&there.host);
  EXPECT_EQ(clock.now(), Instant{5});
  there.instance.monotonic = {6};
  EXPECT_EQ(clock.now(), Instant{6});
  EXPECT_EQ(clock.wall(), WallMs{1700});
}

TEST(HostBridgeDeathTest, a_host_without_clocks_is_not_taken) {
  ThereAndBack there;
  there.host.size = offsetof(ion_host, mono_ns);
  EXPECT_DEATH(ImportedClock(&there.host), "assertion failed");
}

TEST(HostBridge, log_lines_cross_with_their_fields) {
  ThereAndBack there;
  ImportedLogger logger(&there.host);
  logger.info("started");
  logger.error("sync failed", {{"log", "p/0"}, {"code", "IO"}});
  EXPECT_EQ(there.instance.lines, (std::vector<std::string>{"1 started", "3 sync failed log=p/0 code=IO"}));
}

TEST(HostBridge, any_number_of_fields_crosses_up_to_sixteen) {
  ThereAndBack there;
  const std::vector<ion_field> fields(20, ion_field{bytes_of("k"), bytes_of("v")});
  for (uint32_t n = 0; n <= fields.size(); ++n) {
    there.host.log(there.host.self, 77, bytes_of("x"), fields.data(), n);
    std::string wanted = "3 x";  // an unknown level reads as the nearest
    for (uint32_t i = 0; i < std::min(n, 16u); ++i) wanted += " k=v";
    EXPECT_EQ(there.instance.lines.back(), wanted);
  }
}

TEST(HostBridge, a_host_without_log_is_silent) {
  ThereAndBack there;
  there.host.size = offsetof(ion_host, log);
  ImportedLogger logger(&there.host);
  logger.info("nobody hears");
  EXPECT_TRUE(there.instance.lines.empty());
}

TEST(HostBridge, get_finds_refuses_and_does_not_throw) {
  ThereAndBack there;
  ion_ref out{};
  EXPECT_EQ(there.host.get(there.host.self, "ion.files/1", nullptr, &out), ION_OK);
  EXPECT_STREQ(static_cast<const char*>(out.table), "one");
  EXPECT_EQ(there.host.get(there.host.self, "ion.files/1", "second", &out), ION_OK);
  EXPECT_STREQ(static_cast<const char*>(out.table), "two");
  EXPECT_EQ(there.host.get(there.host.self, "ion.none/1", nullptr, &out), ION_E_NOT_FOUND);
  EXPECT_EQ(there.host.get(there.host.self, "ion.bad/1", nullptr, &out), ION_E_EXCEPTION);
}

TEST(HostBridge, a_fault_brings_its_reason) {
  ThereAndBack there;
  ion_err why{sizeof(ion_err), ION_OK, {}};
  (void)Status(ION_E_FAILED, "cannot go on").to(&why);
  there.host.fault(there.host.self, &why);
  EXPECT_EQ(there.instance.faulted.text(), "FAILED: cannot go on");
}

TEST(HostBridge, node_facts_cross_as_far_as_the_asker_knows_them) {
  ion_node facts{sizeof(ion_node), 0, 7, bytes_of("rack-a"), bytes_of("cluster"), bytes_of("0.1.0")};
  ImportedNode node(ion_ref{&export_config, &facts});
  const Result<NodeFacts> seen = node.facts();
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->node, NodeId{7});
  EXPECT_EQ(seen->rack, "rack-a");
  EXPECT_EQ(seen->version, "0.1.0");
  ion_node older{};
  older.size = offsetof(ion_node, cluster);
  ASSERT_EQ(export_config.node(&facts, &older), ION_OK);
  EXPECT_EQ(text_of(older.rack), "rack-a");
  EXPECT_EQ(older.cluster.p, nullptr);
  EXPECT_EQ(ImportedNode(ion_ref{nullptr, nullptr}).facts().error().message(), "ion.config/1 has no member node here");
}

TEST(HostBridge, threads_tell_where_they_are) {
  constexpr ion_threads table{sizeof(ion_threads), 0, [](void*) noexcept -> uint32_t { return ION_WORD_SHARD; },
                              [](void*) noexcept -> uint32_t { return 3; }};
  ImportedThreads threads(ion_ref{&table, nullptr});
  EXPECT_EQ(threads.word(), ION_WORD_SHARD);
  EXPECT_EQ(threads.shard(), ShardId{3});
  ImportedThreads nobody(ion_ref{nullptr, nullptr});
  EXPECT_EQ(nobody.word(), ION_WORD_FOREIGN);
  EXPECT_EQ(nobody.shard(), ShardId{UINT32_MAX});
}

TEST(HostBridge, metrics_are_declared_labelled_and_recorded) {
  struct Seen {
    std::string words;
    int64_t value = 0;
  } seen;
  const ion_metrics table{
      sizeof(ion_metrics), 0,
      [](void* self, uint32_t kind, ion_bytes name, ion_bytes unit, ion_bytes help, uint32_t max, ion_metric** out) noexcept -> ion_status {
        if (max == 0) return ION_E_INVALID;
        static_cast<Seen*>(self)->words = std::to_string(kind) + ' ' + std::string(text_of(name)) + ' ' + std::string(text_of(unit)) + ' ' +
                                          std::string(text_of(help));
        *out = static_cast<ion_metric*>(self);
        return ION_OK;
      },
      [](void*, ion_metric* m, const ion_field* labels, uint32_t n, ion_series** out) noexcept -> ion_status {
        reinterpret_cast<Seen*>(m)->words += ' ' + std::string(text_of(labels[n - 1].value));
        *out = reinterpret_cast<ion_series*>(m);
        return ION_OK;
      },
      nullptr, [](ion_series* s, int64_t value) noexcept { reinterpret_cast<Seen*>(s)->value += value; }};
  ImportedMetrics metrics(ion_ref{&table, &seen});
  const auto metric = metrics.declare(ION_COUNTER, {"appended", "By", "Bytes appended."}, 8);
  ASSERT_TRUE(metric.has_value());
  const ion_field label{bytes_of("log"), bytes_of("p/0")};
  const auto series = metrics.series(*metric, {&label, 1});
  metrics.record(*series, 5);
  metrics.record(nullptr, 5);
  EXPECT_EQ(seen.words, "1 appended By Bytes appended. p/0");
  EXPECT_EQ(seen.value, 5);
  EXPECT_EQ(metrics.declare(ION_COUNTER, {"x", "1", "y"}, 0).error().message(), "ion.metrics/1 declare answered INVALID");
  EXPECT_EQ(ImportedMetrics(ion_ref{nullptr, nullptr}).declare(ION_GAUGE, {}, 1).error().code(), ION_E_UNSUPPORTED);
}

}  // namespace
}  // namespace ion
