// The sections of the kernel as structs with rows. Whoever needs one includes this header and is given the struct: no key is
// read by a string elsewhere. Values are checked; the initializer of a field is its default. Values only; any thread.
#pragma once
#include "config/json_tree.h"

#include <ion/config_rows.h>
#include <ion/time.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ion::config {

struct NodeConfig {
  uint64_t id = 1;
  std::string rack;
  std::string cluster = "ionstream";
  std::string data_dir;
  std::string advertised;
  static constexpr auto rows() {
    return std::tuple{
        ion::row("id", &NodeConfig::id, kCount, 1, 2'147'483'647, "Identity of this broker in its cluster."),
        ion::row("rack", &NodeConfig::rack, "Where this broker stands; replicas are spread over racks."),
        ion::row("cluster", &NodeConfig::cluster, "Name of the cluster."),
        ion::row("data_dir", &NodeConfig::data_dir, "Directory of everything durable; --data-dir. With --dev a temporary one if empty."),
        ion::row("advertised", &NodeConfig::advertised, "HOST:PORT that clients are told; empty: the address of the transport.")};
  }
};

struct LogConfig {
  std::string level = "info";
  std::string format = "text";
  static constexpr auto rows() {
    return std::tuple{ion::row("level", &LogConfig::level, {"debug", "info", "warn", "error"}, "The least level that is written.", kReloadable),
                      ion::row("format", &LogConfig::format, {"text", "json"}, "One line of text or one JSON object per entry.")};
  }
};

struct ThreadsConfig {
  uint32_t shards = 0;
  uint32_t blocking = 4;
  uint32_t shard_queue = 8192;
  static constexpr auto rows() {
    return std::tuple{
        ion::row("shards", &ThreadsConfig::shards, kCount, 0, 256, "Shard threads; 0: one per core."),
        ion::row("blocking", &ThreadsConfig::blocking, kCount, 1, 256, "Threads that may wait for a disk."),
        ion::row("shard_queue", &ThreadsConfig::shard_queue, kCount, 64, 1'048'576, "Work that may wait on one shard; more is OVERLOADED.")};
  }
};

struct PluginHostConfig {
  std::vector<std::string> directories, extra_directories;
  bool allow_drafts = false;
  Nanos step_deadline = seconds(30);
  bool probe = true;
  uint32_t generations_max = 8;
#ifdef NDEBUG
  bool guard = false;
#else
  bool guard = true;
#endif
  std::map<std::string, std::string> allow;  // plugin name to SHA-256, lower case; empty: any hash. No row: free keys
  static constexpr auto rows() {
    return std::tuple{
        ion::row("directories", &PluginHostConfig::directories, "Where the broker's own plugin files lie; given, it replaces the built-in list."),
        ion::row("extra_directories", &PluginHostConfig::extra_directories, "Where other plugin files lie; looked at first."),
        ion::row("allow_drafts", &PluginHostConfig::allow_drafts, "Load plugins that speak unfinished contracts."),
        ion::row("step_deadline", &PluginHostConfig::step_deadline, milliseconds(100), seconds(600),
                 "How long create, start and drain of a plugin may take."),
        ion::row("guard", &PluginHostConfig::guard, "Check each call between broker and plugins and name who breaks a rule; costs some microseconds a request."),
        ion::row("generations_max", &PluginHostConfig::generations_max, kCount, 1, 64, "Files of one plugin that may be in memory, after replacements."),
        ion::row("probe", &PluginHostConfig::probe, "Map all plugins in a child process first: a crash there is an error message here.")};
  }
};

struct LimitsConfig {
  uint64_t record_bytes_max = 1_MiB, batch_bytes_max = 16_MiB, decompressed_bytes_max = 64_MiB, fetch_bytes_max = 32_MiB;
  Nanos fetch_wait_max = seconds(30);
  uint64_t inflight_bytes_max = 256_MiB;
  uint32_t topics_max = 10'000, partitions_max = 20'000;
  static constexpr auto rows() {
    return std::tuple{
        ion::row("record_bytes_max", &LimitsConfig::record_bytes_max, kBytes, 1_KiB, 64_MiB, "The largest record; not above batch_bytes_max."),
        ion::row("batch_bytes_max", &LimitsConfig::batch_bytes_max, kBytes, 4_KiB, 64_MiB, "The largest batch; not above fetch_bytes_max."),
        ion::row("decompressed_bytes_max", &LimitsConfig::decompressed_bytes_max, kBytes, 4_KiB, 1_GiB,
                 "The largest batch without its compression; not below batch_bytes_max."),
        ion::row("fetch_bytes_max", &LimitsConfig::fetch_bytes_max, kBytes, 4_KiB, 1_GiB, "The most that one fetch answers."),
        ion::row("fetch_wait_max", &LimitsConfig::fetch_wait_max, milliseconds(1), seconds(600), "The longest that a fetch may wait for bytes."),
        ion::row("inflight_bytes_max", &LimitsConfig::inflight_bytes_max, kBytes, 4_MiB, 64_GiB,
                 "Bytes of requests that are being worked on; more is OVERLOADED. Not below batch_bytes_max."),
        ion::row("topics_max", &LimitsConfig::topics_max, kCount, 1, 1'000'000, "Topics of this broker."),
        ion::row("partitions_max", &LimitsConfig::partitions_max, kCount, 1, 1'000'000, "Partitions of this broker.")};
  }
};

struct TopicsConfig {
  uint32_t partitions = 1;
  std::string durability = "fsync";
  uint64_t segment_bytes = 64_MiB;
  Nanos segment_age{}, retention_age{};
  uint64_t retention_bytes = 0;
  Nanos producer_expiry = seconds(7 * 86'400);
  Nanos reopen_pause_max = seconds(30);
  uint64_t compaction_bytes_per_second = 256_MiB, compaction_key_bytes_max = 64_MiB;
  static constexpr auto rows() {
    return std::tuple{
        ion::row("partitions", &TopicsConfig::partitions, kCount, 1, 10'000, "Partitions of a topic whose creator does not say."),
        ion::row("durability", &TopicsConfig::durability, {"fsync", "os"}, "What an acknowledgement means: on disk, or in the page cache."),
        ion::row("segment_bytes", &TopicsConfig::segment_bytes, kBytes, 1_MiB, 4_GiB, "A segment is closed at this size."),
        ion::row("segment_age", &TopicsConfig::segment_age, seconds(0), seconds(10LL * 366 * 86'400), "A segment is closed at this age; 0: at no age."),
        ion::row("retention_age", &TopicsConfig::retention_age, seconds(0), seconds(100LL * 366 * 86'400),
                 "Records that were appended longer ago are deleted, unless their topic says otherwise (retention.ms); 0: records are kept for ever."),
        ion::row("retention_bytes", &TopicsConfig::retention_bytes, kBytes, 0, 1LL << 50,
                 "A partition keeps so many bytes of its newest records, unless its topic says otherwise (retention.bytes); 0: no bound."),
        ion::row("producer_expiry", &TopicsConfig::producer_expiry, seconds(60), seconds(10LL * 366 * 86'400),
                 "An idempotent producer that appended nothing to a partition for so long is forgotten there: a retry of it is refused."),
        ion::row("reopen_pause_max", &TopicsConfig::reopen_pause_max, milliseconds(100), seconds(3600),
                 "The longest pause between two attempts to open a partition that cannot be opened."),
        ion::row("compaction_bytes_per_second", &TopicsConfig::compaction_bytes_per_second, kBytes, 0, 1LL << 40,
                 "Compaction reads so much of its topics in a second, twice for what is new; 0: as fast as it can."),
        ion::row("compaction_key_bytes_max", &TopicsConfig::compaction_key_bytes_max, kBytes, 1_MiB, 64_GiB,
                 "Memory for the keys of a compaction, 32 to 100 bytes each; a log with more new keys is compacted in several runs.")};
  }
};

// An interceptor that fails too often is passed over for a while.
struct BreakerConfig {
  uint32_t failure_percent = 0, calls_min = 20;
  Nanos window = seconds(10), pause = seconds(30);
  static constexpr auto rows() {
    return std::tuple{
        ion::row("failure_percent", &BreakerConfig::failure_percent, kCount, 0, 100, "Failed and slow calls in a hundred that open it; 0: never."),
        ion::row("calls_min", &BreakerConfig::calls_min, kCount, 1, 1'000'000, "Fewer calls within the window open nothing."),
        ion::row("window", &BreakerConfig::window, milliseconds(10), seconds(3600), "How far back calls count."),
        ion::row("pause", &BreakerConfig::pause, milliseconds(10), seconds(3600), "How long an open breaker passes the plugin over.")};
  }
};

// One entry of `plugins`. `name` is the key: the instance; `path` empty means the file ionstream-plugin-NAME.so.
struct PluginConfig {
  std::string name;
  bool enabled = true;
  std::string path;
  std::string on_error = "closed", on_reject = "batch";
  Nanos budget = milliseconds(10), pending_deadline = seconds(10);
  BreakerConfig breaker;
  Node config;  // as the sources say it; see check_plugin_config
  static constexpr auto rows() {
    return std::tuple{
        ion::row("enabled", &PluginConfig::enabled, "false: as if it were not named."),
        ion::row("path", &PluginConfig::path, "Plugin name or file inside plugin_host.directories; empty: the name of this entry."),
        ion::row("on_error", &PluginConfig::on_error, {"closed", "open"}, "An interceptor that fails rejects the request, or is passed over."),
        ion::row("on_reject", &PluginConfig::on_reject, {"batch", "record"}, "What fails when an interceptor rejects one record."),
        ion::row("budget", &PluginConfig::budget, microseconds(1), seconds(60), "Processor time of one call; more is counted and logged as slow."),
        ion::row("pending_deadline", &PluginConfig::pending_deadline, milliseconds(1), seconds(600), "How long an interceptor may keep a batch.")};
  }
};

struct KernelConfig {
  NodeConfig node;
  LogConfig log;
  ThreadsConfig threads;
  PluginHostConfig plugin_host;
  LimitsConfig limits;
  TopicsConfig topics;
  std::vector<PluginConfig> plugins;  // in the order of the text; also the disabled ones
};

}  // namespace ion::config
