// Where a listener may listen: loopback in plaintext, anything else refused in words.
#include "core/listen_address.h"

#include <gtest/gtest.h>

namespace ion::transport_grpc {
namespace {

TEST(ListenAddress, takes_loopback_in_its_usual_forms) {
  const std::pair<const char*, const char*> forms[] = {
      {"127.0.0.1:0", "127.0.0.1:0"}, {"grpc://127.0.0.1:0", "127.0.0.1:0"}, {"localhost:0", "127.0.0.1:0"},
      {"[::1]:0", "[::1]:0"},         {"127.3.2.1:65535", "127.3.2.1:65535"}};
  for (const auto& [url, wanted] : forms) {
    const auto at = parse_listen_address(url);
    ASSERT_TRUE(at) << url << ": " << at.error().text();
    EXPECT_EQ(at->text(), wanted);
  }
}

TEST(ListenAddress, plaintext_beyond_loopback_is_not_offered) {
  for (const char* url : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "broker-a:1", "128.0.0.1:1", "127.0.0.1.example:1", "126.0.0.1:1"}) {
    const auto at = parse_listen_address(url);
    ASSERT_FALSE(at) << url;
    EXPECT_EQ(at.error().code(), ION_E_UNSUPPORTED) << url;
    EXPECT_NE(at.error().message().find("loopback"), std::string::npos);
  }
}

TEST(ListenAddress, tls_is_not_offered_yet) {
  const auto at = parse_listen_address("grpcs://127.0.0.1:0");
  ASSERT_FALSE(at);
  EXPECT_EQ(at.error().code(), ION_E_UNSUPPORTED);
}

TEST(ListenAddress, what_is_no_address_is_invalid) {
  for (const char* url : {"", ":", "127.0.0.1", "127.0.0.1:", ":0", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:0", "[::1]", "ftp://127.0.0.1:0",
                          "127.0.0.1: 0", "[127.0.0.1]:0"}) {
    const auto at = parse_listen_address(url);
    ASSERT_FALSE(at) << url;
    EXPECT_EQ(at.error().code(), ION_E_INVALID) << url;
  }
}

}  // namespace
}  // namespace ion::transport_grpc
