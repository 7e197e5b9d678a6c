// Plugins that are wrong, each in one way: the message names the plugin, what was wanted and what was there, and we go on living.
#include "host_fixture.h"

namespace ion::host {
namespace {

using BadPlugin = PluginHostTest;

TEST_F(BadPlugin, that_is_not_there_is_named_with_the_places_and_what_they_hold) {
  install("good");
  EXPECT_REFUSED(load({spec("goood")}), ION_E_NOT_FOUND, "plugin goood", "ionstream-plugin-goood.so", temp_ / "plugins",
                 "hold: good");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, that_aborts_while_it_is_loaded_does_so_in_the_child) {
  EXPECT_REFUSED(load_one("aborts"), ION_E_FAILED, "plugin aborts: killed by signal 6 while loading", "the sky fell");
}

TEST_F(BadPlugin, that_throws_while_it_is_loaded_does_so_in_the_child) {
  EXPECT_REFUSED(load_one("throws"), ION_E_FAILED, "plugin throws: ", "no luck today");
}

TEST_F(BadPlugin, that_ends_the_process_while_it_is_loaded_ends_the_child) {
  EXPECT_REFUSED(load_one("exits"), ION_E_FAILED, "plugin exits: ended the process with code 0 while loading");
}

TEST_F(BadPlugin, that_hangs_while_it_is_loaded_is_killed_at_the_deadline) {
  options_.probe_deadline = seconds(3);
  EXPECT_REFUSED(load_one("hangs"), ION_E_DEADLINE, "plugin hangs: loading did not end within 3 s", "waiting for Godot");
}

TEST_F(BadPlugin, among_good_ones_is_the_one_that_is_named) {
  for (const char* name : {"good", "aborts", "raw"}) install(name);
  EXPECT_REFUSED(load({spec("good"), spec("aborts"), spec("raw")}), ION_E_FAILED, "plugin aborts: killed by signal 6");
  EXPECT_TRUE(host().plugins().empty());
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, that_was_built_for_another_abi_is_refused_by_its_note) {
  EXPECT_REFUSED(load_one("foreign"), ION_E_VERSION, "plugin foreign: it was built for plugin ABI 2.7", "speaks 1.0");
}

TEST_F(BadPlugin, whose_entry_refuses_us_is_named_with_both_versions) {
  EXPECT_REFUSED(load_one("refuses"), ION_E_VERSION, "plugin refuses: its entry refused a host of plugin ABI 1.0",
                 "its note says 1.0");
}

TEST_F(BadPlugin, that_needs_a_younger_host_is_named_with_both_versions) {
  EXPECT_REFUSED(load_one("young"), ION_E_VERSION, "plugin young", "needs a host of plugin ABI 1.99", "speaks 1.0");
}

TEST_F(BadPlugin, whose_descriptor_differs_from_its_note_is_refused) {
  EXPECT_REFUSED(load_one("liar"), ION_E_CORRUPT, "plugin liar", "differ in version", "0.1.0", "9.9.9");
}

TEST_F(BadPlugin, without_an_entry_is_refused) {
  EXPECT_REFUSED(load_one("no-entry"), ION_E_INVALID, "plugin no-entry", "ion_plugin_entry_v1");
}

TEST_F(BadPlugin, with_an_unresolved_symbol_shows_the_loaders_words) {
  EXPECT_REFUSED(load_one("unresolved"), ION_E_FAILED, "plugin unresolved", "undefined symbol: ion_test_nobody_defines_this");
}

TEST_F(BadPlugin, with_a_search_path_is_refused) {
  EXPECT_REFUSED(load_one("runpath"), ION_E_FORBIDDEN, "plugin runpath", "wanted no RUNPATH", "/nowhere/at/all");
}

TEST_F(BadPlugin, that_may_be_written_by_others_is_refused) {
  install("good");
  ASSERT_EQ(::chmod(installed("good").c_str(), 0664), 0);
  EXPECT_REFUSED(load({spec("good")}), ION_E_FORBIDDEN, "plugin good", installed("good"), "mode 0664", "chmod go-w");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, in_a_folder_that_may_be_written_by_others_is_refused) {
  install("good");
  ASSERT_EQ(::chmod((temp_ / "plugins").c_str(), 0777), 0);
  EXPECT_REFUSED(load({spec("good")}), ION_E_FORBIDDEN, "plugin good", temp_ / "plugins", "mode 0777");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, of_another_user_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  install("good");
  ASSERT_EQ(::chown(installed("good").c_str(), 12345, 0), 0);
  EXPECT_REFUSED(load({spec("good")}), ION_E_FORBIDDEN, "plugin good", "belongs to user 12345", "wanted root or user 0");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, that_is_a_symbolic_link_is_refused) {
  ASSERT_EQ(::symlink(built("good").c_str(), installed("good").c_str()), 0);
  EXPECT_REFUSED(load({spec("good")}), ION_E_FORBIDDEN, "plugin good", "is a symbolic link");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, outside_of_the_directories_is_refused) {
  install("good");
  make_dir("elsewhere");
  std::filesystem::copy_file(built("good"), temp_ / "elsewhere/good.so");
  EXPECT_REFUSED(load({spec("good", "{}", temp_ / "elsewhere/good.so"), spec("two", "{}", "../elsewhere/good.so")}),
                 ION_E_NOT_FOUND, "plugin good: wanted " + (temp_ / "elsewhere/good.so"),
                 "plugin two: wanted ../elsewhere/good.so", "inside of plugin_host.directories");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, that_is_not_on_the_allow_list_is_refused_with_both_hashes) {
  install("good");
  options_.places.allow = {"good=" + std::string(64, 'a')};
  EXPECT_REFUSED(load({spec("good")}), ION_E_FORBIDDEN, "plugin good", "plugin_host.allow wants SHA-256 " + std::string(64, 'a'),
                 "the file has ");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, that_is_no_plugin_at_all_is_refused) {
  install("good");
  { std::filesystem::resize_file(installed("good"), 0); }
  EXPECT_REFUSED(load({spec("good")}), ION_E_INVALID, "plugin good", installed("good"), "wanted an ELF shared object");
  std::filesystem::copy_file(std::string(ION_TEST_PLUGINS) + "/libion_test_stranger.so", installed("library"));
  EXPECT_REFUSED(load({spec("library")}), ION_E_NOT_FOUND, "plugin library", "no IonStream plugin", ".note.ion.abi");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, that_is_linked_with_a_stranger_is_refused_unless_it_is_ours) {
  EXPECT_REFUSED(load_one("stranger"), ION_E_FORBIDDEN, "plugin stranger", "libion_test_stranger.so", "allowed libraries");
  make_dir("lib");
  std::filesystem::copy_file(std::string(ION_TEST_PLUGINS) + "/libion_test_stranger.so", temp_ / "lib/libion_test_stranger.so");
  const Status loaded = load({spec("stranger")});
  EXPECT_TRUE(loaded.ok()) << loaded.text() << ": the lib folder beside the plugins is ours";
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, configuration_is_refused_with_the_path_of_the_key) {
  install("good");
  EXPECT_REFUSED(load({spec("good", R"({"size": "9MiB"})")}), ION_E_INVALID, "plugin good", "plugins.good.config.size");
  EXPECT_REFUSED(load({spec("good", R"({"greetin": "x"})")}), ION_E_INVALID, "plugins.good.config.greetin", "greeting");
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data/plugins")) << "no code was copied, none was run";
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, that_speaks_a_draft_is_refused_unless_drafts_are_allowed) {
  install("draft");
  EXPECT_REFUSED(load({spec("draft")}), ION_E_UNSUPPORTED, "plugin draft", "ion.identity/1", "plugin_host.allow_drafts");
  options_.allow_drafts = true;
  PluginHost allowed(environment(), options_);
  EXPECT_TRUE(allowed.load({spec("draft")}).ok());
  EXPECT_TRUE(allowed.destroy().ok());
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, names_are_refused) {
  for (const char* name : {"", "Good", "a/b", "..", "-x", "plugins"})
    EXPECT_REFUSED(load({spec(name)}), ION_E_INVALID, "name");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, faults_of_several_plugins_are_told_at_once) {
  for (const char* name : {"young", "foreign"}) install(name);
  EXPECT_REFUSED(load({spec("young"), spec("foreign"), spec("nowhere")}), ION_E_VERSION, "plugin young", "plugin foreign",
                 "plugin nowhere");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, sets_with_a_missing_need_say_who_needs_it_and_what_is_there) {
  for (const char* name : {"needy", "storage-one"}) install(name);
  EXPECT_REFUSED(load({spec("needy"), spec("storage-one")}), ION_E_NOT_FOUND,
                 "plugin needy needs ion.storage/2, which no enabled plugin provides", "there is ion.storage/1 of storage-one");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, sets_that_need_each_other_are_told_as_a_circle) {
  for (const char* name : {"hen", "egg"}) install(name);
  EXPECT_REFUSED(load({spec("hen"), spec("egg")}), ION_E_CONFLICT, "in a circle", "hen needs ion.test.egg/1 of egg",
                 "egg needs ion.test.hen/1 of hen");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, sets_with_two_storages_name_both) {
  for (const char* name : {"storage-one", "storage-two"}) install(name);
  EXPECT_REFUSED(load({spec("storage-one"), spec("storage-two")}), ION_E_CONFLICT,
                 "plugins storage-one and storage-two both provide ion.storage/1");
  EXPECT_TRUE(destroy().ok());
}

TEST_F(BadPlugin, whose_promised_contract_has_no_table_is_refused_at_start) {
  install("empty-promise");
  ASSERT_TRUE(load({spec("empty-promise")}).ok());
  EXPECT_REFUSED(host().start(), ION_E_INVALID, "plugin empty-promise: start failed", "ion.test.promise/1");
  EXPECT_TRUE(destroy().ok());
}

}  // namespace
}  // namespace ion::host
