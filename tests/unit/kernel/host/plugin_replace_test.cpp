// One generation of an interceptor follows another: what is checked before, what is undone, what becomes of the old one.
#include "host_fixture.h"

#include <ion/abi/contract/interceptor.h>

namespace ion::host {
namespace {

class PluginReplaceTest : public PluginHostTest {
 protected:
  void serve(const std::string& first = "generation-1") {
    install(first, "rule");
    ASSERT_TRUE(load({spec("rule")}).ok());
    ASSERT_TRUE(host().start().ok());
  }
  // The file of the test plugin `from` lies where the host may load it.
  std::string offer(const std::string& from) {
    install(from, from);
    return installed(from);
  }
  Result<Replaced> replace(const std::string& path, const std::string& config = "{}") { return host().replace(spec("rule", config, path), succession_); }
  ion_ref serving() { return host().contract(ION_INTERCEPTOR_ID).value(); }
  PluginInfo info() { return host().plugins().at(0); }

  std::vector<std::string> steps_;
  Status accepts_;
  bool departs_ = true;
  Succession succession_{[this](std::string_view contract, ion_ref) { return steps_.push_back("accepts " + std::string(contract)), accepts_; },
                         [this](std::string_view, ion_ref next, const PluginInfo& p) {
                           EXPECT_EQ(next.self, serving().self) << "others find the new one already";
                           steps_.push_back("swap " + p.version);
                         },
                         [this](Nanos) { return steps_.push_back("departed"), departs_; }};
};

TEST_F(PluginReplaceTest, a_new_version_takes_the_place_of_the_old_one_which_is_destroyed) {
  serve();
  const ion_ref old = serving();
  const auto done = replace(offer("generation-2"));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->version, "2.0.0");
  EXPECT_EQ(done->old_version, "1.0.0");
  EXPECT_EQ(done->file, installed("generation-2"));
  EXPECT_EQ(done->generation, 2u);
  EXPECT_FALSE(done->old_stays);
  EXPECT_NE(serving().table, old.table) << "other code";
  EXPECT_EQ(steps_, (std::vector<std::string>{"accepts ion.interceptor/1", "swap 2.0.0", "departed"}));
  EXPECT_EQ(info().version, "2.0.0");
  EXPECT_EQ(info().generation, 2u);
  EXPECT_EQ(info().state, ION_PLUGIN_STARTED);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginReplaceTest, the_way_back_is_a_replacement_too) {
  serve();
  ASSERT_TRUE(replace(offer("generation-2")));
  const auto back = replace(installed("rule"));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->version, "1.0.0");
  EXPECT_EQ(back->generation, 3u);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginReplaceTest, whatever_is_wrong_with_the_new_file_the_old_one_serves_on) {
  serve();
  const ion_ref old = serving();
  EXPECT_REFUSED(replace(temp_ / "nowhere.so").error(), ION_E_NOT_FOUND, "plugin rule", "nowhere.so", "plugin_host.directories");
  EXPECT_REFUSED(replace(offer("generation-stranger")).error(), ION_E_CONFLICT, "ion.test.stranger", "ion.test.generation");
  EXPECT_REFUSED(replace(offer("generation-aborts")).error(), ION_E_FAILED, "rule", "signal 6");
  EXPECT_REFUSED(replace(offer("generation-fails")).error(), ION_E_FAILED, "start failed", "its table of words is not there");
  EXPECT_REFUSED(replace(offer("generation-2"), R"({"nonsense":1})").error(), ION_E_INVALID, "nonsense");
  accepts_ = Status(ION_E_UNSUPPORTED, "plugin rule: more hooks take a restart");
  EXPECT_REFUSED(replace(installed("generation-2")).error(), ION_E_UNSUPPORTED, "more hooks take a restart");
  EXPECT_EQ(steps_, std::vector<std::string>{"accepts ion.interceptor/1"}) << "nothing was exchanged";
  EXPECT_EQ(serving().self, old.self);
  EXPECT_EQ(info().generation, 1u);
  EXPECT_EQ(info().state, ION_PLUGIN_STARTED);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginReplaceTest, a_file_that_others_may_write_is_refused_as_at_a_start) {
  serve();
  const std::string file = offer("generation-2");
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_REFUSED(replace(file).error(), ION_E_FORBIDDEN, "chmod go-w");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginReplaceTest, so_many_files_of_one_plugin_are_mapped_and_then_a_restart_is_asked_for) {
  options_.generations_max = 2;
  serve();
  ASSERT_TRUE(replace(offer("generation-2")));
  const auto third = replace(offer("generation-3"));
  EXPECT_REFUSED(third.error(), ION_E_FAILED, "2 files", "plugin_host.generations_max", "restart");
  EXPECT_EQ(third.error().reason(), "GENERATIONS");
  EXPECT_TRUE(replace(installed("rule"))) << "what is mapped already takes no more room";
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginReplaceTest, an_old_one_whose_calls_do_not_come_back_stays_and_is_not_drained) {
  serve();
  departs_ = false;
  const auto done = replace(offer("generation-2"));
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->old_stays);
  EXPECT_NE(log_.all().find("the old generation of a plugin stays in memory plugin=rule why=DEADLINE: calls of it have not come back"), std::string::npos) << log_.all();
  EXPECT_EQ(info().generation, 2u);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginReplaceTest, an_old_one_that_does_not_drain_stays) {
  options_.step_deadline = milliseconds(200);
  serve("generation-never-drains");
  const auto done = replace(offer("generation-2"));
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->old_stays);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(PluginReplaceTest, a_plugin_that_keeps_state_for_others_takes_a_restart) {
  install("good");
  ASSERT_TRUE(load({spec("good")}).ok());
  ASSERT_TRUE(host().start().ok());
  EXPECT_REFUSED(host().replace(spec("good"), succession_).error(), ION_E_UNSUPPORTED, "plugin good", ION_TEST_PROBE_ID, "restart");
  EXPECT_REFUSED(host().replace(spec("other"), succession_).error(), ION_E_NOT_FOUND, "plugin other");
  EXPECT_TRUE(destroy().ok());
  EXPECT_REFUSED(host().replace(spec("good"), succession_).error(), ION_E_CLOSED, "going down");
}

}  // namespace
}  // namespace ion::host
