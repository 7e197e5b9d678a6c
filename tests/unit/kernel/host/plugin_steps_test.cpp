// Steps that fail, throw or hang: each ends in a message and a state, and none takes the host with it.
#include "host_fixture.h"

namespace ion::host {
namespace {

// Long enough for a step that does nothing on a machine under load; waited for in full by those that hang.
constexpr Nanos kShort = seconds(1);

class PluginSteps : public PluginHostTest {
 protected:
  PluginSteps() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    wait_fd_ = ends[0], release_fd_ = ends[1];
  }
  ~PluginSteps() override {
    release();
    ::close(wait_fd_);
  }
  std::string waits() const { return ", \"wait_fd\": " + std::to_string(wait_fd_) + "}"; }
  void release() {
    if (release_fd_ >= 0) ::close(release_fd_);
    release_fd_ = -1;
  }
  void start(const std::string& config) {
    install("steps");
    const Status loaded = load({spec("steps", config)});
    ASSERT_TRUE(loaded.ok()) << loaded.text();
    ASSERT_TRUE(host().start().ok());
  }
  PluginInfo info() { return host().plugins().at(0); }

  int wait_fd_ = -1, release_fd_ = -1;
};

TEST_F(PluginSteps, a_create_that_fails_hands_up_its_code_and_words) {
  EXPECT_REFUSED(load_one("steps", R"({"create": "fail"})"), ION_E_NO_SPACE,
                 "plugin steps: create failed: wanted 7 widgets, have 3");
  EXPECT_EQ(info().state, ION_PLUGIN_FAULTED);
}

TEST_F(PluginSteps, a_create_that_throws_ends_at_the_bridge) {
  EXPECT_REFUSED(load_one("steps", R"({"create": "throw"})"), ION_E_EXCEPTION,
                 "plugin steps: create failed: create threw: no widgets at all");
  EXPECT_EQ(info().faults, 1U);
}

TEST_F(PluginSteps, a_create_that_comes_back_late_is_destroyed_then) {
  options_.step_deadline = kShort;
  install("steps");
  EXPECT_REFUSED(load({spec("steps", R"({"create": "hang")" + waits())}), ION_E_DEADLINE,
                 "plugin steps: create failed: it did not come back within 1 s");
  EXPECT_REFUSED(host().destroy(), ION_E_FAILED, "plugin steps: left in memory");
  release();
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_start_that_fails_leaves_no_contract_behind) {
  install("steps");
  ASSERT_TRUE(load({spec("steps", R"({"start": "fail"})")}).ok());
  EXPECT_REFUSED(host().start(), ION_E_BUSY, "plugin steps: start failed: widget 4 is in use");
  EXPECT_FALSE(host().contract(ION_TEST_PROBE_ID).has_value());
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_start_that_throws_ends_at_the_bridge) {
  install("steps");
  ASSERT_TRUE(load({spec("steps", R"({"start": "throw"})")}).ok());
  EXPECT_REFUSED(host().start(), ION_E_EXCEPTION, "plugin steps: start failed: start threw: widgets are upside down");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_start_that_hangs_is_faulted_and_the_others_go_on) {
  options_.step_deadline = kShort;
  install("steps");
  const Status loaded = load({spec("well", "{}", "steps"), spec("ill", R"({"start": "hang")" + waits(), "steps")});
  ASSERT_TRUE(loaded.ok()) << loaded.text();
  EXPECT_REFUSED(host().start(), ION_E_DEADLINE, "plugin ill: start failed: it did not come back within 1 s");
  EXPECT_EQ(host().plugins()[0].state, ION_PLUGIN_STARTED);
  EXPECT_EQ(host().plugins()[1].state, ION_PLUGIN_FAULTED);
  EXPECT_TRUE(host().drain().ok()) << "the hanging one is left alone, the other one drains on a new thread";
  EXPECT_EQ(host().plugins()[0].state, ION_PLUGIN_DRAINED);
  release();
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_plugin_that_gives_up_in_start_has_not_started) {
  install("steps");
  ASSERT_TRUE(load({spec("steps", R"({"start": "give_up"})")}).ok());
  EXPECT_REFUSED(host().start(), ION_E_FAILED, "plugin steps: start failed: it gave up", "widget 5 burned down");
  EXPECT_FALSE(host().contract(ION_TEST_PROBE_ID).has_value());
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, another_configuration_is_taken_while_it_serves) {
  start("{}");
  const auto how = host().reloading("steps");
  ASSERT_TRUE(how);
  EXPECT_TRUE(how->reconfigures);
  EXPECT_FALSE(how->replaceable) << "it provides no interceptor";
  EXPECT_NE(how->schema.find("wait_fd"), std::string_view::npos);
  EXPECT_TRUE(host().reconfigure("steps", "{}").ok());
  EXPECT_TRUE(host().reconfigure("steps", "{}").ok());
  EXPECT_EQ(probe().ask("reconfigured"), 2U);
  EXPECT_EQ(host().reconfigure("other", "{}").code(), ION_E_NOT_FOUND);
  EXPECT_TRUE(host().drain().ok());
  EXPECT_EQ(host().reconfigure("steps", "{}").code(), ION_E_CLOSED);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_configuration_that_it_refuses_leaves_it_as_it_was) {
  start("{}");
  EXPECT_REFUSED(host().reconfigure("steps", R"({"reconfigure": "fail"})"), ION_E_INVALID, "plugin steps: reconfigure failed: widget 8 does not fit");
  EXPECT_REFUSED(host().reconfigure("steps", R"({"reconfigure": "throw"})"), ION_E_EXCEPTION, "plugin steps: reconfigure failed: reconfigure threw: widgets are too hot");
  EXPECT_EQ(info().state, ION_PLUGIN_STARTED);
  EXPECT_EQ(info().faults, 0U);
  EXPECT_EQ(probe().ask("reconfigured"), 0U);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_reconfigure_that_hangs_is_faulted_and_found_no_more) {
  options_.step_deadline = kShort;
  start("{}");
  EXPECT_REFUSED(host().reconfigure("steps", R"({"reconfigure": "hang")" + waits()), ION_E_DEADLINE, "plugin steps: reconfigure failed: it did not come back within 1 s");
  EXPECT_EQ(info().state, ION_PLUGIN_FAULTED);
  EXPECT_FALSE(host().contract(ION_TEST_PROBE_ID).has_value());
  release();
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_plugin_without_reconfigure_is_not_asked) {
  install("good");
  ASSERT_TRUE(load({spec("good")}).ok());
  ASSERT_TRUE(host().start().ok());
  EXPECT_FALSE(host().reloading("good")->reconfigures);
  EXPECT_REFUSED(host().reconfigure("good", "{}"), ION_E_UNSUPPORTED, "plugin good: it takes no other configuration while it serves");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_drain_that_refuses_is_told_and_the_plugin_destroyed) {
  start(R"({"drain": "fail"})");
  EXPECT_REFUSED(host().drain(), ION_E_BUSY, "plugin steps: drain failed: widget 6 will not stop");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_drain_that_throws_ends_at_the_bridge) {
  start(R"({"drain": "throw"})");
  EXPECT_REFUSED(host().drain(), ION_E_EXCEPTION, "plugin steps: drain failed");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_drain_that_took_its_completion_and_threw_is_answered_once) {
  start(R"({"drain": "take_and_throw"})");
  EXPECT_REFUSED(host().drain(), ION_E_INTERNAL, "plugin steps: drain failed", "dropped without an answer");
  EXPECT_EQ(info().faults, 1U);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginSteps, a_drain_that_never_completes_keeps_the_instance_until_it_does) {
  options_.step_deadline = kShort;
  start(R"({"drain": "late"})");
  const Probe steps = probe();
  EXPECT_REFUSED(host().drain(), ION_E_DEADLINE, "plugin steps: drain failed: it did not complete in time",
                 "the host holds for it: nothing");
  EXPECT_EQ(info().state, ION_PLUGIN_FAULTED);
  EXPECT_REFUSED(host().destroy(), ION_E_FAILED, "plugin steps: left in memory, since its last step has not come back");
  ASSERT_EQ(steps.tell("finish_drain"), ION_OK);
  EXPECT_TRUE(destroy().ok());
}

}  // namespace
}  // namespace ion::host
