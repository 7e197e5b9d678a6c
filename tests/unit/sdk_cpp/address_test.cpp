#include <ion/client/address.h>

#include <gtest/gtest.h>

namespace ion::client {
namespace {

TEST(Address, a_host_and_a_port_are_taken_apart) {
  for (const char* text : {"broker-1.example:9640", "10.0.0.7:1", "[::1]:65535", "[fe80::1%eth0]:80"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(Address, what_cannot_be_meant_is_refused_with_the_text_that_was_there) {
  for (const char* text : {"", "host", "host:", ":9640", "host:port", "host:12x", "host:-1", "host:65536", "host:99999999999", "host:0", "::1:9640", "[::1]", "[::1]9640",
                           "[]:1", "http://host:1", "a b:1", "host:1:2", "host: 1"}) {
    const auto address = parse_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), ION_E_INVALID);
    EXPECT_NE(address.error().message().find(std::string("\"") + text + "\""), std::string::npos) << address.error().message();
  }
}

TEST(Address, port_0_stands_only_where_the_system_may_choose) {
  EXPECT_FALSE(parse_address("127.0.0.1:0"));
  EXPECT_TRUE(parse_address("127.0.0.1:0", Port::kAnyToo));
}

TEST(Address, this_machine_itself_is_known) {
  for (const char* text : {"127.0.0.1:1", "127.8.0.1:1", "localhost:1", "[::1]:1"}) EXPECT_TRUE(parse_address(text)->is_loopback()) << text;
  for (const char* text : {"128.0.0.1:1", "localhost.example:1", "[::2]:1"}) EXPECT_FALSE(parse_address(text)->is_loopback()) << text;
}

}  // namespace
}  // namespace ion::client
