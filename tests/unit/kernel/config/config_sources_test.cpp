#include "config/config_sources.h"
#include "config/json_text.h"
#include "config/substitution.h"
#include "memory_files.h"

#include <gtest/gtest.h>

namespace ion::config {
namespace {

constexpr std::string_view kSchema = R"({"type": "object", "properties": {
  "log": {"type": "object", "properties": {"level": {"type": "string"}, "max-files": {"type": "integer"}}},
  "limits": {"type": "object", "properties": {"record_bytes_max": {"type": "integer", "x-unit": "bytes"}}},
  "plugins": {"type": "object", "additionalProperties": {"type": "object", "properties": {
    "enabled": {"type": "boolean"}, "config": {"type": "object"}}}}}})";

// The fixture: a tree that grows by layers.
struct Sources {
  Node tree = make_object({}, {});
  Problems problems;
  test::MemoryFiles disk;
  std::vector<std::string> files;

  void text(std::string_view json) { merge(tree, parse_jsonc(json, Origin{Layer::kFile, "/etc/ion/a.jsonc", 0}).value()); }
  void file(std::string_view path) { add_files(tree, disk, path, files, problems); }
  void environment(std::vector<std::string> variables) {
    add_environment(tree, Schema::parse(kSchema, "schema").value(), variables, problems);
  }
  void set(std::string_view setting) { add_setting(tree, setting, problems); }
  void fill(std::vector<std::string> variables) { substitute(tree, {variables, "/srv", &disk}, problems); }
  std::string compact() const { return json_text(tree, Look::kCompact); }
  std::string only() const {
    return problems.lines().size() == 1 ? problems.lines()[0] : std::to_string(problems.lines().size()) + " problems";
  }
};

TEST(merge, objects_are_merged_key_by_key_and_the_rest_is_replaced) {
  Sources s;
  s.text(R"({"a": {"x": 1, "y": [1, 2]}, "b": 1})");
  s.text(R"({"c": 3, "a": {"y": [3], "z": 2}})");
  EXPECT_EQ(s.compact(), R"({"a":{"x":1,"y":[3],"z":2},"b":1,"c":3})");
}

TEST(merge, a_value_keeps_the_origin_of_its_last_source) {
  Sources s;
  s.text(R"({"a": {"x": 1, "y": 1}})");
  s.set("a.x=2");
  EXPECT_EQ(s.tree.find("a")->find("x")->origin.text(), "--set a.x");
  EXPECT_EQ(s.tree.find("a")->find("y")->origin.text(), "/etc/ion/a.jsonc:1");
}

TEST(files, overlays_beside_the_file_are_read_in_the_order_of_their_names) {
  Sources s;
  s.disk.files = {{"/etc/ion/a.jsonc", R"({"v": 0, "file": 1})"},       {"/etc/ion/conf.d/20.jsonc", R"({"v": 20, "second": 1})"},
                  {"/etc/ion/conf.d/10.jsonc", R"({"v": 10, "first": 1})"}, {"/etc/ion/conf.d/30.txt", "no config"},
                  {"/etc/ion/conf.d/sub/40.jsonc", R"({"v": 40})"}};
  s.file("/etc/ion/a.jsonc");
  EXPECT_TRUE(s.problems.empty());
  EXPECT_EQ(s.compact(), R"({"v":20,"file":1,"first":1,"second":1})");
  EXPECT_EQ(s.files, (std::vector<std::string>{"/etc/ion/a.jsonc", "/etc/ion/conf.d/10.jsonc", "/etc/ion/conf.d/20.jsonc"}));
}

TEST(files, a_missing_file_is_named) {
  Sources s;
  s.file("/etc/ion/missing.jsonc");
  EXPECT_EQ(s.only(), "/etc/ion/missing.jsonc: no such file");
}

TEST(files, every_broken_file_is_named_and_a_root_must_be_an_object) {
  Sources s;
  s.disk.files = {{"/a.jsonc", "{\n\"a\": }"}, {"/conf.d/1.jsonc", "[]"}};
  s.file("/a.jsonc");
  ASSERT_EQ(s.problems.lines().size(), 2u);
  EXPECT_EQ(s.problems.lines()[0].substr(0, 14), "/a.jsonc:2:6: ") << s.problems.lines()[0];
  EXPECT_EQ(s.problems.lines()[1], "/conf.d/1.jsonc:1: the root: wanted an object, found a list");
}

TEST(environment, names_match_keys_without_regard_to_case_and_with_underscore_for_dash) {
  Sources s;
  s.text(R"({"plugins": {"transport-grpc": {}}})");
  s.environment({"ION_LOG__LEVEL=debug", "ION_log__Max_Files=3", "ION_PLUGINS__TRANSPORT_GRPC__ENABLED=false",
                 "ION_LIMITS__RECORD_BYTES_MAX=2MiB"});
  EXPECT_TRUE(s.problems.empty()) << s.only();
  EXPECT_EQ(s.compact(), R"({"plugins":{"transport-grpc":{"enabled":false}},"limits":{"record_bytes_max":"2MiB"},)"
                         R"("log":{"level":"debug","max-files":3}})");
  EXPECT_EQ(s.tree.find("log")->find("level")->origin.text(), "environment ION_LOG__LEVEL");
}

TEST(environment, below_an_object_without_schema_a_key_of_the_file_is_met_and_else_taken_in_lower_case) {
  Sources s;
  s.text(R"({"plugins": {"transport-grpc": {"config": {"Max-Streams": 1}}}})");
  s.environment({"ION_PLUGINS__TRANSPORT_GRPC__CONFIG__LISTEN=127.0.0.1:0", "ION_PLUGINS__TRANSPORT_GRPC__CONFIG__MAX_STREAMS=2"});
  EXPECT_TRUE(s.problems.empty()) << s.only();
  EXPECT_EQ(s.compact(), R"({"plugins":{"transport-grpc":{"config":{"Max-Streams":2,"listen":"127.0.0.1:0"}}}})");
}

TEST(environment, names_with_a_single_underscore_belong_to_the_tools) {
  Sources s;
  s.environment({"ION_BROKERS=a:1", "ION_PROFILE=x", "PATH=/bin", "ion_log__level=x", "ION=1", "NOEQUALS"});
  EXPECT_TRUE(s.problems.empty()) << s.only();
  EXPECT_EQ(s.compact(), "{}");
}

TEST(environment, a_name_that_means_no_key_is_an_error_with_a_suggestion) {
  Sources s;
  s.environment({"ION_LOG__LEVLE=debug"});
  EXPECT_EQ(s.only(), "environment ION_LOG__LEVLE: no key is meant by this name; did you mean ION_LOG__LEVEL?");
}

TEST(environment, a_plugin_that_no_file_names_is_an_error_with_a_suggestion) {
  Sources s;
  s.text(R"({"plugins": {"transport-grpc": {}}})");
  s.environment({"ION_PLUGINS__TRANSPORT_GPRC__ENABLED=true"});
  EXPECT_EQ(s.only(),
            "environment ION_PLUGINS__TRANSPORT_GPRC__ENABLED: no key is meant by this name; did you mean "
            "ION_PLUGINS__TRANSPORT_GRPC__ENABLED?");
}

TEST(environment, a_name_that_goes_below_a_value_is_an_error) {
  Sources s;
  s.environment({"ION_LOG__LEVEL__MORE=1"});
  EXPECT_EQ(s.problems.lines().size(), 1u);
}

TEST(environment, two_names_for_one_key_are_an_error) {
  Sources s;
  s.environment({"ION_LOG__LEVEL=debug", "ION_log__level=info"});
  EXPECT_EQ(s.only(), "environment ION_log__level: log.level is already set by ION_LOG__LEVEL");
}

TEST(environment, a_whole_section_as_json_does_not_hide_its_single_keys) {
  Sources s;
  s.text(R"({"plugins": {"a": {}}})");
  s.environment({"ION_PLUGINS__A__ENABLED=false", R"(ION_PLUGINS__A={"enabled": true, "config": {"x": 1}})"});
  EXPECT_TRUE(s.problems.empty()) << s.only();
  EXPECT_EQ(s.compact(), R"({"plugins":{"a":{"enabled":false,"config":{"x":1}}}})");
}

TEST(settings, a_value_is_json_if_it_is_json_and_else_text) {
  Sources s;
  s.set("a.b=7");
  s.set("a.c=127.0.0.1:0");
  s.set("a.d=[1, 2]");
  s.set("a.e=x=y");
  s.set("a.f=");
  s.set(R"(a["g.h"].i={"j": null})");
  EXPECT_TRUE(s.problems.empty()) << s.only();
  EXPECT_EQ(s.compact(), R"({"a":{"b":7,"c":"127.0.0.1:0","d":[1,2],"e":"x=y","f":"","g.h":{"i":{"j":null}}}})");
  EXPECT_EQ(s.tree.find("a")->find("g.h")->find("i")->find("j")->path, R"(a["g.h"].i.j)");
}

TEST(settings, the_last_one_wins) {
  Sources s;
  s.set("a=1");
  s.set("a=2");
  EXPECT_EQ(s.compact(), R"({"a":2})");
}

TEST(settings, what_is_no_setting_is_an_error) {
  Sources s;
  s.set("log.level");
  s.set("=x");
  s.set("a[0]=x");
  ASSERT_EQ(s.problems.lines().size(), 3u);
  EXPECT_EQ(s.problems.lines()[0], "--set log.level: wanted KEY=VALUE such as log.level=debug");
}

TEST(substitution, variables_defaults_and_files_are_put_in) {
  Sources s;
  s.disk.files = {{"/etc/ion/secret", "pass word\n"}, {"/srv/other", "o"}};
  s.text(R"({"a": "${HOST}:${PORT:9640}", "b": ["${EMPTY:x}${NO:}"], "c": "${file:secret}", "d": "${file:/srv/other}"})");
  s.set("e=${file:other}");
  s.fill({"HOST=h", "EMPTY="});
  EXPECT_TRUE(s.problems.empty()) << s.only();
  EXPECT_EQ(s.compact(), R"({"a":"h:9640","b":[""],"c":"pass word","d":"o","e":"o"})");
}

TEST(substitution, a_doubled_dollar_is_a_plain_one) {
  Sources s;
  s.text(R"({"a": "$${HOST} $5 ${HOST}"})");
  s.fill({"HOST=h"});
  EXPECT_EQ(s.compact(), R"({"a":"${HOST} $5 h"})");
}

TEST(substitution, what_is_put_in_is_not_looked_at_again) {
  Sources s;
  s.text(R"({"a": "${X}"})");
  s.fill({"X=${Y}"});
  EXPECT_EQ(s.compact(), R"({"a":"${Y}"})");
}

TEST(substitution, what_cannot_be_put_in_is_an_error_with_place_and_path) {
  Sources s;
  s.text("{\n\"a\": \"${MISSING}\", \"b\": \"${file:none}\", \"c\": \"${open\", \"d\": \"${no name}\"}");
  s.fill({});
  ASSERT_EQ(s.problems.lines().size(), 4u);
  EXPECT_EQ(s.problems.lines()[0], "/etc/ion/a.jsonc:2: a: the variable MISSING is not set; ${MISSING:default} gives it a default");
  EXPECT_EQ(s.problems.lines()[1], "/etc/ion/a.jsonc:2: b: /etc/ion/none: no such file");
  EXPECT_EQ(s.problems.lines()[2], "/etc/ion/a.jsonc:2: c: wanted } after ${, found the end; $${ is a plain ${");
  EXPECT_NE(s.problems.lines()[3].find("found \"no name\""), std::string::npos);
}

TEST(substitution, a_file_has_a_bound) {
  Sources s;
  s.disk.files = {{"/big", std::string(kSubstitutedBytesMax + 1, 'x')}};
  s.text(R"({"a": "${file:/big}"})");
  s.fill({});
  EXPECT_NE(s.only().find("wanted at most 65536 bytes"), std::string::npos) << s.only();
}

}  // namespace
}  // namespace ion::config
