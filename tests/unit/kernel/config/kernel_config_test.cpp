#include "config/kernel_config.h"

#include "memory_files.h"

#include <gtest/gtest.h>

namespace ion::config {
namespace {

constexpr const char* kMinimal = R"({"node": {"data_dir": "/var/ion"}, "plugins": {"storage-memory": {}}})";

// The fixture: a disk with one configuration, and a request for it.
struct Start {
  test::MemoryFiles disk;
  LoadRequest request;

  explicit Start(std::string file = kMinimal) {
    disk.files["/etc/ion/ion.jsonc"] = std::move(file);
    request.config_path = "ion.jsonc";
    request.working_dir = "/etc/ion";
    request.root = &disk;
  }
  static Start dev() {
    Start s;
    s.request.config_path.clear();
    s.request.dev = true;
    return s;
  }
  Loaded loaded() {
    Result<Loaded> got = load(request);
    EXPECT_TRUE(got.has_value()) << (got ? "" : got.error().message());
    return got ? *std::move(got) : Loaded{ConfigSnapshot(Node{}), {}, {}};
  }
  std::string error() {
    const Result<Loaded> got = load(request);
    return got ? "no error" : got.error().message();
  }
};
std::vector<std::string> names(const KernelConfig& kernel) {
  std::vector<std::string> all;
  for (const PluginConfig& p : kernel.plugins) all.push_back(p.name);
  return all;
}

TEST(kernel_config, a_minimal_file_is_filled_with_defaults) {
  const Loaded got = Start().loaded();
  EXPECT_EQ(got.kernel.node.id, 1u);
  EXPECT_EQ(got.kernel.node.cluster, "ionstream");
  EXPECT_EQ(got.kernel.node.data_dir, "/var/ion");
  EXPECT_EQ(got.kernel.log.level, "info");
  EXPECT_EQ(got.kernel.threads.shards, 0u);
  EXPECT_EQ(got.kernel.threads.blocking, 4u);
  EXPECT_EQ(got.kernel.threads.shard_queue, 8192u);
  EXPECT_EQ(got.kernel.plugin_host.step_deadline, seconds(30));
  EXPECT_TRUE(got.kernel.plugin_host.probe);
  EXPECT_EQ(got.kernel.limits.batch_bytes_max, 16_MiB);
  EXPECT_EQ(got.kernel.topics.durability, "fsync");
  ASSERT_EQ(got.kernel.plugins.size(), 1u);
  EXPECT_TRUE(got.kernel.plugins[0].enabled);
  EXPECT_EQ(got.kernel.plugins[0].path, "storage-memory");
  EXPECT_EQ(got.kernel.plugins[0].on_error, "closed");
  EXPECT_EQ(got.kernel.plugins[0].budget, milliseconds(10));
  EXPECT_EQ(got.files, std::vector<std::string>{"/etc/ion/ion.jsonc"});
}

TEST(kernel_config, flag_beats_environment_beats_overlay_beats_file_beats_default) {
  // Each key is said by all sources up to one; the value names the source that has to win.
  Start s(R"({"node": {"data_dir": "/d", "id": 2, "rack": "file", "cluster": "file", "advertised": "file"}, "plugins": {"storage-memory": {}}})");
  s.disk.files["/etc/ion/conf.d/10.jsonc"] = R"({"node": {"id": 3, "rack": "overlay", "cluster": "overlay"}})";
  s.request.environment = {"ION_NODE__ID=4", "ION_NODE__RACK=environment"};
  s.request.settings = {"node.id=5"};
  const KernelConfig kernel = s.loaded().kernel;
  EXPECT_EQ(kernel.node.id, 5u);
  EXPECT_EQ(kernel.node.rack, "environment");
  EXPECT_EQ(kernel.node.cluster, "overlay");
  EXPECT_EQ(kernel.node.advertised, "file");
  EXPECT_EQ(kernel.log.level, "info");
}

TEST(kernel_config, dev_brings_the_plugins_of_the_ground_and_needs_no_file) {
  const Loaded got = Start::dev().loaded();
  EXPECT_EQ(names(got.kernel), (std::vector<std::string>{"partition-router", "storage-mmap", "consensus-single", "transport-grpc"}));
  EXPECT_EQ(got.kernel.node.data_dir, "");
  EXPECT_TRUE(got.files.empty());
}

TEST(kernel_config, without_dev_only_the_listed_plugins_are_there) {
  EXPECT_EQ(names(Start().loaded().kernel), std::vector<std::string>{"storage-memory"});
}

TEST(kernel_config, with_dev_a_file_is_laid_over_the_embedded_plugins) {
  Start s(R"({"plugins": {"storage-mmap": {"enabled": false}, "storage-memory": {}}})");
  s.request.dev = true;
  const KernelConfig kernel = s.loaded().kernel;
  EXPECT_EQ(names(kernel),
            (std::vector<std::string>{"partition-router", "storage-mmap", "consensus-single", "transport-grpc", "storage-memory"}));
  EXPECT_FALSE(kernel.plugins[1].enabled);
}

TEST(kernel_config, plugins_keep_the_order_of_the_file) {
  Start s(R"({"node": {"data_dir": "/d"}, "plugins": {"zeta": {}, "alpha": {}, "mid": {}}})");
  EXPECT_EQ(names(s.loaded().kernel), (std::vector<std::string>{"zeta", "alpha", "mid"}));
}

TEST(kernel_config, the_listen_address_comes_from_the_environment_and_a_flag_beats_it) {
  Start s = Start::dev();
  s.request.environment = {"ION_PLUGINS__TRANSPORT_GRPC__CONFIG__LISTEN=127.0.0.1:1"};
  EXPECT_EQ(s.loaded().kernel.plugins[3].config.find("listen")->text, "127.0.0.1:1");
  s.request.settings = {"plugins.transport-grpc.config.listen=127.0.0.1:0"};
  EXPECT_EQ(s.loaded().kernel.plugins[3].config.find("listen")->text, "127.0.0.1:0");
}

TEST(kernel_config, the_data_dir_flag_beats_the_file) {
  Start s;
  s.request.data_dir = "/flag";
  EXPECT_EQ(s.loaded().kernel.node.data_dir, "/flag");
}

TEST(kernel_config, plugin_directories_of_the_build_are_a_default) {
  Start s;
  s.request.plugin_directories = {"/build/plugins"};
  EXPECT_EQ(s.loaded().kernel.plugin_host.directories, std::vector<std::string>{"/build/plugins"});
  s.request.settings = {R"(plugin_host.directories=["/mine"])"};
  EXPECT_EQ(s.loaded().kernel.plugin_host.directories, std::vector<std::string>{"/mine"});
}

TEST(kernel_config, all_problems_are_listed_one_per_line) {
  Start s("{\n \"node\": {\"data_dr\": \"/x\"},\n \"log\": {\"level\": \"loud\"},\n \"plugns\": {}\n}");
  s.request.settings = {"threads.shards=many"};
  EXPECT_EQ(s.error(),
            "/etc/ion/ion.jsonc:2: node.data_dr: unknown key; did you mean \"data_dir\"?\n"
            "/etc/ion/ion.jsonc:3: log.level: wanted one of \"debug\", \"info\", \"warn\", \"error\", found \"loud\"\n"
            "--set threads.shards: threads.shards: wanted a whole number, found \"many\"\n"
            "/etc/ion/ion.jsonc:4: plugns: unknown key; did you mean \"plugins\"?");
}

TEST(kernel_config, a_syntax_error_has_line_and_column_and_is_not_followed_by_noise) {
  Start s("{\n  \"node\": {\"id\": 1,}\n}");
  s.request.environment = {"ION_PLUGINS__STORAGE_MEMORY__ENABLED=true"};
  const std::string words = s.error();
  EXPECT_EQ(words.find("/etc/ion/ion.jsonc:2:20: "), 0u) << words;
  EXPECT_EQ(words.find('\n'), std::string::npos) << words;
}

TEST(kernel_config, a_missing_variable_is_told_once) {
  Start s(R"({"node": {"data_dir": "/d", "id": "${NODE_ID}"}, "plugins": {"a": {}}})");
  EXPECT_EQ(s.error(), "/etc/ion/ion.jsonc:1: node.id: the variable NODE_ID is not set; ${NODE_ID:default} gives it a default");
  s.request.environment = {"NODE_ID=7"};
  EXPECT_EQ(s.loaded().kernel.node.id, 7u);
}

TEST(kernel_config, without_a_data_dir_only_dev_starts) {
  Start s(R"({"plugins": {"a": {}}})");
  EXPECT_NE(s.error().find("node.data_dir: wanted the directory of the data"), std::string::npos) << s.error();
}

TEST(kernel_config, no_enabled_plugin_is_an_error_that_says_what_to_do) {
  Start s(R"({"node": {"data_dir": "/d"}, "plugins": {"a": {"enabled": false}}})");
  EXPECT_NE(s.error().find("plugins: none is enabled"), std::string::npos) << s.error();
  EXPECT_NE(s.error().find("--dev"), std::string::npos) << s.error();
}

TEST(kernel_config, limits_that_contradict_each_other_are_an_error_where_they_were_said) {
  Start s;
  s.request.settings = {"limits.record_bytes_max=32MiB", "limits.inflight_bytes_max=8MiB"};
  EXPECT_EQ(s.error(),
            "--set limits.record_bytes_max: limits.record_bytes_max: wanted limits.record_bytes_max at most limits.batch_bytes_max, found "
            "32MiB and 16MiB\n"
            "--set limits.inflight_bytes_max: limits.inflight_bytes_max: wanted limits.batch_bytes_max at most limits.inflight_bytes_max, "
            "found 16MiB and 8MiB");
}

TEST(kernel_config, a_hash_must_be_a_sha256) {
  Start s;
  const std::string hash = "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
  s.request.settings = {"plugin_host.allow.storage-memory=" + hash};
  EXPECT_EQ(s.loaded().kernel.plugin_host.allow.at("storage-memory"), "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789");
  s.request.settings = {"plugin_host.allow.storage-memory=" + hash.substr(1) + "x"};
  EXPECT_NE(s.error().find("wanted a SHA-256"), std::string::npos) << s.error();
}

TEST(kernel_config, a_plugin_name_must_fit_into_a_file_name) {
  Start s(R"({"node": {"data_dir": "/d"}, "plugins": {"../evil": {}, "com.example.ok": {}}})");
  EXPECT_EQ(s.error().find("/etc/ion/ion.jsonc:1: plugins[\"../evil\"]: wanted a plugin name"), 0u) << s.error();
  EXPECT_EQ(s.error().find("com.example.ok"), std::string::npos);
}

TEST(kernel_config, joining_a_cluster_is_refused_and_not_ignored) {
  Start s;
  s.request.environment = {"PROXY_MANAGERS=a:1"};
  EXPECT_NE(s.error().find("not offered yet"), std::string::npos) << s.error();
  s.request.environment = {"PROXY_MANAGERS="};
  EXPECT_EQ(s.error(), "no error");
}

TEST(kernel_config, draft_contracts_are_refused_and_not_ignored) {
  Start s;
  s.request.settings = {"plugin_host.allow_drafts=true"};
  EXPECT_NE(s.error().find("not offered yet"), std::string::npos) << s.error();
}

TEST(kernel_config, a_breaker_and_a_budget_are_read) {
  Start s;
  s.request.settings = {"plugins.storage-memory.breaker.failure_percent=5", "plugins.storage-memory.budget=250us", "plugins.storage-memory.on_error=open"};
  const PluginConfig plugin = s.loaded().kernel.plugins[0];
  EXPECT_EQ(plugin.breaker.failure_percent, 5u);
  EXPECT_EQ(plugin.breaker.pause, seconds(30));
  EXPECT_EQ(plugin.budget, microseconds(250));
  EXPECT_EQ(plugin.on_error, "open");
}

// ---- printing ----

TEST(print_config, what_is_printed_loads_again_to_the_same) {
  Start s = Start::dev();
  s.request.data_dir = "/d";
  const Loaded first = s.loaded();
  for (const std::string& printed : {first.snapshot.print(), json_text(first.snapshot.tree(), Look::kLine)}) {
    Start again(printed);
    const Loaded second = again.loaded();
    EXPECT_TRUE(first.snapshot.changes_to(second.snapshot).empty());
    EXPECT_EQ(second.snapshot.print(), first.snapshot.print());
  }
}

TEST(settings, each_knows_its_path_and_who_said_it) {
  Start s;
  s.request.settings = {"log.level=warn"};
  const Loaded got = s.loaded();
  std::map<std::string, std::string> said;
  for (const Node* setting : got.snapshot.settings()) said[setting->path] = setting->origin.text();
  EXPECT_EQ(said["log.level"], "--set log.level");
  EXPECT_EQ(said["node.data_dir"], "/etc/ion/ion.jsonc:1");
  EXPECT_EQ(said["log.format"], "default");
  EXPECT_EQ(said["plugin_host.allow"], "default") << "an object without keys is one";
  EXPECT_EQ(said.count("log"), 0U) << "a section is none";
  EXPECT_EQ(got.snapshot.settings("log").size(), 2U);
  EXPECT_TRUE(got.snapshot.settings("plugins.none").empty());
}

TEST(print_schema, the_schema_is_one_that_we_can_read_and_names_every_section) {
  const Result<Schema> schema = Schema::parse(print_schema(), "printed");
  ASSERT_TRUE(schema.has_value()) << schema.error().message();
  EXPECT_EQ(schema->keys(), (std::vector<std::string>{"$schema", "node", "log", "threads", "plugin_host", "limits", "topics", "plugins"}));
  EXPECT_TRUE(schema->property("log")->property("level")->reloadable);
}

// ---- sections of other modules ----

struct ModuleConfig {
  uint32_t waiters_max = 100;
  static constexpr auto rows() {
    return std::tuple{ion::row("waiters_max", &ModuleConfig::waiters_max, kCount, 1, 1000, "Parked fetches.", kReloadable)};
  }
};

TEST(module_section, a_module_joins_its_rows_and_reads_its_struct) {
  Start s;
  s.request.modules = {{"pipeline", schema_of<ModuleConfig>()}};
  EXPECT_EQ(s.loaded().snapshot.section<ModuleConfig>("pipeline")->waiters_max, 100u);
  s.request.environment = {"ION_PIPELINE__WAITERS_MAX=7"};
  EXPECT_EQ(s.loaded().snapshot.section<ModuleConfig>("pipeline")->waiters_max, 7u);
  s.request.environment = {"ION_PIPELINE__WAITERS_MAX=1001"};
  EXPECT_NE(s.error().find("pipeline.waiters_max: wanted 1 to 1000, found 1001"), std::string::npos) << s.error();
  EXPECT_FALSE(Start().loaded().snapshot.section<ModuleConfig>("pipeline").has_value());
}

// ---- configs of plugins ----

struct GrpcConfig {
  std::string listen = "127.0.0.1:9640";
  uint64_t message_bytes_max = 64_MiB;
  Nanos drain = seconds(10);
  double share = 0.5;
  std::string token = "";
  std::vector<std::string> names = {"a"};
  static constexpr auto rows() {
    return std::tuple{ion::row("listen", &GrpcConfig::listen, "Address."),
                      ion::row("message_bytes_max", &GrpcConfig::message_bytes_max, kBytes, 1_MiB, 1_GiB, "Largest message."),
                      ion::row("drain", &GrpcConfig::drain, seconds(1), seconds(60), "Time to finish."),
                      ion::row("share", &GrpcConfig::share, 0.0, 1.0, "A part."),
                      ion::row("token", &GrpcConfig::token, "Not printed.", kSecret),
                      ion::row("names", &GrpcConfig::names, "A list.")};
  }
};

TEST(check_plugin_config, the_plugin_gets_defaults_and_whole_numbers) {
  Start s = Start::dev();
  s.request.settings = {"plugins.transport-grpc.config.message_bytes_max=16MiB", "plugins.transport-grpc.config.token=hunter2"};
  const Loaded got = s.loaded();
  const Result<CheckedConfig> checked = check_plugin_config(got.kernel.plugins[3].config, "transport-grpc", schema_of<GrpcConfig>());
  ASSERT_TRUE(checked.has_value()) << checked.error().message();
  EXPECT_EQ(checked->json, R"({"listen":"127.0.0.1:9640","message_bytes_max":16777216,"drain":10000000000,"share":0.5,"token":"hunter2",)"
                           R"("names":["a"]})");
  EXPECT_EQ(read_rows<GrpcConfig>(checked->tree).message_bytes_max, 16_MiB);
}

TEST(check_plugin_config, problems_have_the_full_path_and_their_source) {
  Start s(R"({"node": {"data_dir": "/d"}, "plugins": {"transport-grpc": {"config": {"lsten": "x", "drain": "1h"}}}})");
  s.request.environment = {"ION_PLUGINS__TRANSPORT_GRPC__CONFIG__MESAGE_BYTES_MAX=1"};
  const Result<CheckedConfig> checked =
      check_plugin_config(s.loaded().kernel.plugins[0].config, "transport-grpc", schema_of<GrpcConfig>());
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().message(),
            "/etc/ion/ion.jsonc:1: plugins.transport-grpc.config.drain: wanted 1s to 1m, found 1h\n"
            "/etc/ion/ion.jsonc:1: plugins.transport-grpc.config.lsten: unknown key; did you mean \"listen\"?\n"
            "environment ION_PLUGINS__TRANSPORT_GRPC__CONFIG__MESAGE_BYTES_MAX: plugins.transport-grpc.config.mesage_bytes_max: unknown key; "
            "did you mean \"message_bytes_max\"?");
}

TEST(check_plugin_config, a_variable_meets_a_key_with_dashes_that_only_the_schema_knows) {
  Start s = Start::dev();
  s.request.environment = {"ION_PLUGINS__TRANSPORT_GRPC__CONFIG__MAX_STREAMS=9"};
  const Result<CheckedConfig> checked =
      check_plugin_config(s.loaded().kernel.plugins[3].config, "x", R"({"properties": {"Max-Streams": {"type": "integer"}}})");
  ASSERT_TRUE(checked.has_value()) << checked.error().message();
  EXPECT_EQ(checked->json, R"({"Max-Streams":9})");
}

TEST(check_plugin_config, a_broken_schema_names_the_plugin) {
  const Node config = make_object("plugins.x.config", {});
  EXPECT_EQ(check_plugin_config(config, "x", "{").error().message().find("schema of plugin x:1:"), 0u);
  EXPECT_EQ(check_plugin_config(config, "x", R"({"type": "string"})").error().message(),
            "schema of plugin x: wanted type object, found a text");
}

TEST(check_plugin_config, before_the_check_nothing_of_it_is_printed_and_after_it_all_but_secrets) {
  Start s = Start::dev();
  s.request.settings = {"plugins.transport-grpc.config.token=hunter2", "plugins.transport-grpc.config.listen=127.0.0.1:0"};
  const Loaded got = s.loaded();
  EXPECT_EQ(got.snapshot.print().find("hunter2"), std::string::npos);
  EXPECT_EQ(got.snapshot.print().find("127.0.0.1:0"), std::string::npos);
  const CheckedConfig checked = check_plugin_config(got.kernel.plugins[3].config, "transport-grpc", schema_of<GrpcConfig>()).value();
  for (Look look : {Look::kPretty, Look::kLine}) {
    const std::string text = json_text(got.snapshot.with_plugin("transport-grpc", checked).tree(), look);
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    EXPECT_NE(text.find("\"token\": \"***\""), std::string::npos) << text;
    EXPECT_NE(text.find("127.0.0.1:0"), std::string::npos) << text;
  }
}

// ---- changes ----

TEST(changes, a_reload_tells_what_differs_and_what_needs_a_restart) {
  Start s;
  const Loaded before = s.loaded();
  s.request.settings = {"log.level=debug", "threads.blocking=5", "plugins.more.enabled=true"};
  const std::vector<Change> changes = before.snapshot.changes_to(s.loaded().snapshot);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].path, "log.level");
  EXPECT_TRUE(changes[0].reloadable);
  EXPECT_EQ(changes[1].path, "threads.blocking");
  EXPECT_FALSE(changes[1].reloadable);
  EXPECT_EQ(changes[2].path, "plugins.more");
  EXPECT_FALSE(changes[2].reloadable);
}

TEST(changes, what_may_change_without_a_restart_is_taken_and_the_rest_stays) {
  constexpr std::string_view schema = R"({"type": "object", "properties": {
    "live": {"type": "integer", "default": 1, "x-reloadable": true},
    "fixed": {"type": "integer", "default": 2},
    "inner": {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "string"}, "x-reloadable": true}, "fixed": {"type": "string"}}}}})";
  const auto checked = [&](std::string_view text) { return check_plugin_config(*parse_jsonc(text, {Layer::kFile, "a.jsonc", 0}, "plugins.p.config"), "p", schema).value(); };
  const CheckedConfig running = checked(R"({"live": 5, "fixed": 6, "inner": {"list": ["a"], "fixed": "old"}})");
  EXPECT_EQ(with_reloadable(running.tree, checked(R"({"live": 7, "fixed": 8, "inner": {"list": ["b", "c"], "fixed": "new"}})").tree).json,
            checked(R"({"live": 7, "fixed": 6, "inner": {"list": ["b", "c"], "fixed": "old"}})").json);
  EXPECT_EQ(with_reloadable(running.tree, checked(R"({"inner": {"fixed": "new"}})").tree).json, checked(R"({"live": 1, "fixed": 6, "inner": {"fixed": "old"}})").json)
      << "a key that is gone has its default, or is gone";
  const CheckedConfig bare = checked(R"({"inner": {}})");
  EXPECT_EQ(with_reloadable(bare.tree, checked(R"({"inner": {"list": ["x"], "fixed": "new"}})").tree).json, checked(R"({"inner": {"list": ["x"]}})").json);
}

TEST(changes, the_same_value_in_another_unit_is_no_change) {
  Start one, two;
  one.request.settings = {"limits.batch_bytes_max=16MiB"};
  two.request.settings = {"limits.batch_bytes_max=16777216"};
  EXPECT_TRUE(one.loaded().snapshot.changes_to(two.loaded().snapshot).empty());
}

TEST(changes, another_order_of_plugins_is_a_change) {
  Start one(R"({"node": {"data_dir": "/d"}, "plugins": {"a": {}, "b": {}}})"), two(R"({"node": {"data_dir": "/d"}, "plugins": {"b": {}, "a": {}}})");
  const std::vector<Change> changes = one.loaded().snapshot.changes_to(two.loaded().snapshot);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].path, "plugins");
}

}  // namespace
}  // namespace ion::config
