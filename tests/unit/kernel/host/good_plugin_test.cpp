// A good plugin from file to contract and back, with every service of the host.
#include "host_fixture.h"

namespace ion::host {
namespace {

class GoodPlugin : public PluginHostTest {
 protected:
  void run(const std::string& config = R"({"greeting": "good morning", "size": "8KiB"})") {
    install("good");
    const Status loaded = load({spec("good", config)});
    ASSERT_TRUE(loaded.ok()) << loaded.text();
    const Status started = host().start();
    ASSERT_TRUE(started.ok()) << started.text() << "\n" << log_.all();
  }
};

TEST_F(GoodPlugin, is_loaded_started_drained_and_destroyed) {
  run();
  ASSERT_EQ(host().plugins().size(), 1U);
  const PluginInfo info = host().plugins()[0];
  EXPECT_EQ(info.id, "ion.test.good");
  EXPECT_EQ(info.version, "1.2.3");
  EXPECT_EQ(info.sha256.size(), 64U);
  EXPECT_EQ(info.file, installed("good"));
  EXPECT_EQ(info.state, ION_PLUGIN_STARTED);
  EXPECT_EQ(info.provides, std::vector<std::string>{ION_TEST_PROBE_ID});
  EXPECT_TRUE(host().contract(ION_TEST_PROBE_ID).has_value());

  EXPECT_TRUE(host().drain().ok());
  EXPECT_EQ(host().plugins()[0].state, ION_PLUGIN_DRAINED);
  EXPECT_FALSE(host().contract(ION_TEST_PROBE_ID).has_value()) << "a drained plugin's contract is withdrawn";
  EXPECT_TRUE(destroy().ok());
  EXPECT_EQ(host().plugins()[0].faults, 0U) << host().plugins()[0].last_error;
}

TEST_F(GoodPlugin, is_mapped_from_a_private_copy_named_by_its_hash) {
  run();
  const std::string copy = temp_ / ("data/plugins/" + host().plugins()[0].sha256 + "/ionstream-plugin-good.so");
  struct stat is{};
  ASSERT_EQ(::stat(copy.c_str(), &is), 0) << copy;
  EXPECT_EQ(is.st_mode & 0777, 0500U);
  ASSERT_EQ(::stat((temp_ / "data/plugins").c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777, 0700U);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, gets_files_below_its_own_directory) {
  run();
  EXPECT_EQ(probe().ask("file_bytes"), std::string("good morning").size());
  EXPECT_EQ(probe().ask("file_equal"), 1U);
  EXPECT_TRUE(std::filesystem::exists(temp_ / "data/good/notes/greeting"));
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, gets_facts_clock_random_buffers_and_its_home_shard) {
  run();
  EXPECT_EQ(probe().ask("node"), 42U);
  EXPECT_EQ(probe().ask("cluster_ok"), 1U);
  EXPECT_EQ(probe().ask("word"), ION_WORD_CONTROL) << "start runs on the control thread";
  EXPECT_EQ(probe().ask("buffer"), 16U + 7U);
  EXPECT_EQ(probe().ask("now"), clock_.now().ns);
  EXPECT_EQ(probe().ask("shards"), 3U);
  EXPECT_EQ(probe().ask("home"), 0U);
  EXPECT_EQ(probe().ask("random"), base::SystemRandom(7, "good").u64()) << "a stream per instance name";
  EXPECT_NE(log_.all().find("good is ready greeting=good morning"), std::string::npos);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, gets_only_what_it_declared) {
  run();
  EXPECT_EQ(static_cast<ion_status>(-probe().ask("undeclared")), ION_E_FORBIDDEN);
  EXPECT_EQ(static_cast<ion_status>(-probe().ask("optional")), ION_E_NOT_FOUND);
  EXPECT_EQ(probe().ask("closed_in_create"), 1U);
  EXPECT_EQ(probe().ask("broker_api"), 0U) << "nobody gave one";
  EXPECT_NE(log_.all().find("did not declare ion.kv/1"), std::string::npos) << log_.all();
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, gets_what_the_kernel_gives_by_name) {
  static constexpr int kTable = 0;
  services_.push_back({ION_BROKER_API_ID, [](std::string_view) -> Result<ion_ref> { return ion_ref{&kTable, nullptr}; }});
  run();
  EXPECT_EQ(probe().ask("broker_api"), 1U);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, posts_and_arms_timers_through_the_host) {
  run();
  ASSERT_EQ(probe().tell("post"), ION_OK);
  ASSERT_EQ(probe().tell("arm"), ION_OK);
  work_.run_all();
  EXPECT_EQ(probe().ask("posted"), 1U);
  clock_.advance(seconds(2));
  work_.run_all();
  EXPECT_EQ(probe().ask("fired"), 1U);
  EXPECT_EQ(probe().tell("disarm"), ION_E_NOT_FOUND) << "it has fired";
  ASSERT_EQ(probe().tell("arm"), ION_OK);
  EXPECT_EQ(probe().tell("disarm"), ION_OK);
  clock_.advance(seconds(2));
  work_.run_all();
  EXPECT_EQ(probe().ask("fired"), 1U);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, that_left_work_behind_is_named_and_the_work_never_runs) {
  run();
  ASSERT_EQ(probe().tell("post"), ION_OK);
  ASSERT_EQ(probe().tell("arm"), ION_OK);
  EXPECT_TRUE(host().drain().ok());
  EXPECT_NE(log_.all().find("left work behind plugin=good what=1 post, 1 timer"), std::string::npos) << log_.all();
  EXPECT_EQ(host().plugins()[0].faults, 1U);
  EXPECT_TRUE(destroy().ok());
  clock_.advance(seconds(2));
  work_.run_all();  // would touch freed memory, as the address sanitizer would say
}

TEST_F(GoodPlugin, hears_of_the_events_that_it_wants) {
  run();
  using Kind = observe::KernelEventKind;
  Uuid id;
  id.bytes[15] = 9;
  events_.publish({Kind::kTopicCreated, "orders", id, 3, {}});
  events_.publish({Kind::kTopicDeleted, "orders", id, 3, {}});
  events_.publish({Kind::kConfigChanged, {}, {}, 0, {"log.level", "a.b"}});
  EXPECT_EQ(probe().ask("event 1 orders"), 1U);
  EXPECT_EQ(probe().ask("event 16 log.level\na.b\n"), 1U);
  uint64_t none = 0;
  EXPECT_EQ(probe().table->ask(probe().self, bytes_of("event 4 orders"), &none), ION_E_NOT_FOUND) << "it asked for others";
  events_.publish({Kind::kTopicCreated, "orders", id, 3, {}});
  EXPECT_EQ(probe().ask("event_id"), 9U);
  EXPECT_EQ(probe().ask("event_partitions"), 3U);
  ASSERT_EQ(probe().tell("no_events"), ION_OK);
  events_.publish({Kind::kTopicCreated, "orders", id, 3, {}});
  EXPECT_EQ(probe().ask("event 1 orders"), 2U);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, hears_of_no_event_once_it_has_drained) {
  run();
  EXPECT_TRUE(host().drain().ok());
  EXPECT_TRUE(destroy().ok());
  events_.publish({observe::KernelEventKind::kTopicCreated, "orders", {}, 1, {}});  // would run code on freed memory, as the address sanitizer would say
}

TEST_F(GoodPlugin, declares_metrics_that_the_registry_shows) {
  run();
  int64_t value = 0;
  metrics_.snapshot(
      [](void* ctx, const ion_sample* s) noexcept {
        if (text_of(s->name) == "ionstream_test_greetings_total") *static_cast<int64_t*>(ctx) = s->value;
      },
      &value);
  EXPECT_EQ(value, 3);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, registers_rpcs_once_under_a_method_name) {
  run();
  EXPECT_EQ(static_cast<ion_status>(-probe().ask("rpc_twice")), ION_E_EXISTS);
  EXPECT_NE(log_.all().find("plugin good serves /test.Good/Greetgood morning already"), std::string::npos) << log_.all();
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, that_gives_up_is_faulted_and_its_contract_withdrawn) {
  run();
  const Probe before = probe();
  ASSERT_EQ(before.tell("fault"), ION_OK);
  ASSERT_EQ(faults_.size(), 1U);
  EXPECT_EQ(faults_[0], "good: IO: the disk is on fire");
  EXPECT_EQ(host().plugins()[0].state, ION_PLUGIN_FAULTED);
  EXPECT_EQ(host().plugins()[0].last_error, "IO: the disk is on fire");
  EXPECT_TRUE(host().contracts(ION_TEST_PROBE_ID).empty());
  EXPECT_TRUE(host().drain().ok()) << "nothing to do for it";
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, has_its_faults_counted_by_the_kernel_too) {
  run();
  host().report("good", Status(ION_E_EXCEPTION, "threw in a hook"));
  EXPECT_EQ(host().plugins()[0].faults, 1U);
  EXPECT_EQ(host().plugins()[0].last_error, "EXCEPTION: threw in a hook");
  EXPECT_EQ(host().plugins()[0].state, ION_PLUGIN_STARTED);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, as_two_instances_of_one_file_do_not_see_each_other) {
  install("good");
  const Status loaded = load(
      {spec("left", R"({"greeting": "left"})", "good"), spec("right", R"({"greeting": "right"})", "ionstream-plugin-good.so")});
  ASSERT_TRUE(loaded.ok()) << loaded.text();
  ASSERT_TRUE(host().start().ok()) << log_.all();
  ASSERT_EQ(host().contracts(ION_TEST_PROBE_ID).size(), 2U);
  EXPECT_EQ(host().contracts(ION_TEST_PROBE_ID)[0].name, "left");
  EXPECT_EQ(probe(0).table, probe(1).table) << "one mapping of the code";
  EXPECT_NE(probe(0).ask("random"), probe(1).ask("random"));
  EXPECT_EQ(probe(1).ask("file_was_there"), 0U);
  EXPECT_EQ(probe(1).ask("home"), 1U);
  ASSERT_EQ(probe(0).tell("post"), ION_OK);
  work_.run_all();
  uint64_t out = 0;
  EXPECT_EQ(probe(1).table->ask(probe(1).self, bytes_of("posted"), &out), ION_E_NOT_FOUND);
  EXPECT_REFUSED(host().contract(ION_TEST_PROBE_ID).error(), ION_E_CONFLICT, "left, right");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, starts_after_whom_it_needs_and_is_listed_as_configured) {
  install("good");
  install("other");
  const Status loaded = load({spec("good"), spec("other")});
  ASSERT_TRUE(loaded.ok()) << loaded.text();
  EXPECT_EQ(host().plugins()[0].name, "good");
  EXPECT_EQ(host().plugins()[1].name, "other");
  // raw plugins have no tables: this one promised one.
  EXPECT_REFUSED(host().start(), ION_E_INVALID, "plugin other: start failed", "ion.test.other/1");
  EXPECT_EQ(host().plugins()[0].state, ION_PLUGIN_CREATED) << "other comes first, since good needs it";
  EXPECT_TRUE(destroy().ok());
}

TEST_F(GoodPlugin, is_loaded_again_beside_itself_from_the_same_copy) {
  run();
  PluginHost second(environment(), options_);
  ASSERT_TRUE(second.load({spec("good", R"({"greeting": "second"})")}).ok());
  EXPECT_TRUE(second.destroy().ok());
  EXPECT_TRUE(destroy().ok());
}

}  // namespace
}  // namespace ion::host
