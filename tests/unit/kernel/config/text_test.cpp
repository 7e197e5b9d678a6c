// The small pure parts: key paths, absolute paths.
#include "config/file_text.h"
#include "config/key_path.h"

#include <gtest/gtest.h>

namespace ion::config {
namespace {

TEST(key_path, a_path_is_read_as_it_is_printed) {
  std::string path;
  const std::vector<std::string> keys = {"plugins", "com.example.\"x\"", "config", "listen"};
  for (const std::string& key : keys) path = member_path(path, key);
  EXPECT_EQ(path, "plugins[\"com.example.\\\"x\\\"\"].config.listen");
  EXPECT_EQ(split_path(path).value(), keys);
}

TEST(key_path, broken_paths_are_refused) {
  for (const char* path : {"", ".", "a.", "a..b", "a[\"b", "a[\"b\"]c", "a[0]", "[0]"}) EXPECT_FALSE(split_path(path).has_value()) << path;
}

TEST(file_text, paths_become_absolute_without_dots) {
  EXPECT_EQ(absolute_path("conf/a.jsonc", "/etc/ion"), "/etc/ion/conf/a.jsonc");
  EXPECT_EQ(absolute_path("../a", "/etc/ion"), "/etc/a");
  EXPECT_EQ(absolute_path("/x/./y//z/..", "/etc"), "/x/y");
  EXPECT_EQ(absolute_path("../../..", "/etc"), "/");
  EXPECT_EQ(directory_of("/a"), "/");
  EXPECT_EQ(directory_of("/etc/ion/a.jsonc"), "/etc/ion");
}

}  // namespace
}  // namespace ion::config
