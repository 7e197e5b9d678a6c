#include "config_print.h"

#include "config/kernel_config.h"
#include "config/problems.h"

#include <gtest/gtest.h>

namespace ion {
namespace {

config::Loaded loaded(std::vector<std::string> settings, std::vector<std::string> environment = {}) {
  config::LoadRequest request;
  request.dev = true;
  request.settings = std::move(settings);
  request.environment = std::move(environment);
  return config::load(request).value();
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(print_verdict, one_line_says_whether_the_configuration_is_valid) {
  EXPECT_EQ(print_verdict("a.jsonc", {}, PrintFormat::kText), "a.jsonc: valid\n");
  EXPECT_EQ(print_verdict("a.jsonc", {ION_E_INVALID, "one"}, PrintFormat::kText), "a.jsonc: 1 error\n");
  EXPECT_EQ(print_verdict("a.jsonc", {ION_E_INVALID, "one\ntwo"}, PrintFormat::kText), "a.jsonc: 2 errors\n");
}

TEST(print_verdict, more_errors_than_are_kept_are_not_counted_as_if_they_were_all) {
  config::Problems problems;
  for (size_t i = 0; i < config::kProblemsMax + 7; ++i) problems.add("wrong");
  EXPECT_EQ(print_verdict("a", problems.status(), PrintFormat::kText), "a: more than 100 errors\n");
}

TEST(print_verdict, json_has_every_error) {
  EXPECT_EQ(print_verdict("a", {}, PrintFormat::kJson), R"({"configuration": "a", "valid": true, "errors": []})"
                                                        "\n");
  EXPECT_EQ(print_verdict("a", {ION_E_INVALID, "one\n\"two\""}, PrintFormat::kJson), R"({"configuration": "a", "valid": false, "errors": ["one", "\"two\""]})"
                                                                                     "\n");
}

TEST(print_settings, each_key_says_its_value_and_who_said_it) {
  const std::string text = print_settings(loaded({"log.level=warn"}, {"ION_TOPICS__PARTITIONS=3"}).snapshot, PrintFormat::kText);
  EXPECT_EQ(text.find("KEY"), 0U);
  const auto line = [&](std::string_view key) {
    const size_t at = text.find("\n" + std::string(key) + " ") + 1;
    std::string words = text.substr(at, text.find('\n', at) - at);
    for (size_t two = words.find("  "); two != std::string::npos; two = words.find("  ")) words.erase(two, 1);
    return words;
  };
  EXPECT_EQ(line("log.level"), "log.level warn --set log.level");
  EXPECT_EQ(line("topics.partitions"), "topics.partitions 3 environment ION_TOPICS__PARTITIONS");
  EXPECT_EQ(line("topics.segment_bytes"), "topics.segment_bytes 64MiB default");
  EXPECT_EQ(line("node.rack"), "node.rack \"\" default");
}

TEST(print_settings, json_says_the_same) {
  const std::string text = print_settings(loaded({"log.level=warn"}, {"ION_TOPICS__PARTITIONS=3"}).snapshot, PrintFormat::kJson);
  EXPECT_TRUE(holds(text, R"({"key": "log.level", "value": "warn", "origin": "flag", "source": "--set log.level"})")) << text;
  EXPECT_TRUE(holds(text, R"({"key": "topics.partitions", "value": 3, "origin": "environment", "source": "ION_TOPICS__PARTITIONS"})")) << text;
  EXPECT_TRUE(holds(text, R"({"key": "topics.segment_bytes", "value": "64MiB", "origin": "default", "source": null})")) << text;
  EXPECT_TRUE(holds(text, R"({"key": "plugin_host.allow", "value": {}, "origin": "default", "source": null})")) << text;
}

TEST(print_settings, a_secret_is_masked_and_so_is_what_no_schema_has_seen) {
  const config::Loaded got = loaded({"plugins.transport-grpc.config.token=hunter2"});
  const auto checked = config::check_plugin_config(got.kernel.plugins[3].config, "transport-grpc", R"({"properties": {"token": {"type": "string", "x-secret": true}}})");
  ASSERT_TRUE(checked.has_value()) << checked.error().message();
  for (const PrintFormat format : {PrintFormat::kText, PrintFormat::kJson})
    for (const config::ConfigSnapshot& snapshot : {got.snapshot, got.snapshot.with_plugin("transport-grpc", *checked)}) {
      const std::string text = print_settings(snapshot, format);
      EXPECT_FALSE(holds(text, "hunter2"));
      EXPECT_TRUE(holds(text, "plugins.transport-grpc.config.token"));
      EXPECT_TRUE(holds(text, "***"));
    }
}

}  // namespace
}  // namespace ion
