#include "host/contract_registry.h"
#include "host/library_rules.h"
#include "host/rpc_registry.h"

#include <gtest/gtest.h>

namespace ion::host {
namespace {

ion_status accept_nothing(void*, ion_stream*, const ion_stream_ops*, ion_stream_sink*) noexcept { return ION_E_UNSUPPORTED; }
ion_rpc_handler handler(std::string_view method) {
  return {sizeof(ion_rpc_handler), ION_RPC_UNARY, ION_RPC_PUBLIC, 0, bytes_of(method), nullptr, &accept_nothing};
}

TEST(RpcRegistry, finds_a_handler_by_its_full_method_name) {
  RpcRegistry rpcs;
  std::string method = "/a.B/C";
  ASSERT_TRUE(rpcs.add("one", handler(method)).ok());
  method = "/x.X/X";  // the name was copied
  const auto found = rpcs.find("/a.B/C");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(text_of((*found)->method), "/a.B/C");
  EXPECT_FALSE(rpcs.find("/a.B/D").has_value());
}

TEST(RpcRegistry, refuses_a_method_that_is_taken_and_says_by_whom) {
  RpcRegistry rpcs;
  ASSERT_TRUE(rpcs.add("one", handler("/a.B/C")).ok());
  EXPECT_EQ(rpcs.add("two", handler("/a.B/C")).text(), "EXISTS: plugin one serves /a.B/C already");
}

TEST(RpcRegistry, refuses_what_is_no_method_and_what_has_no_handler) {
  RpcRegistry rpcs;
  for (const char* method : {"", "x", "/ab", "a.B/C", "//"})
    EXPECT_EQ(rpcs.add("one", handler(method)).code(), ION_E_INVALID) << method;
  ion_rpc_handler none = handler("/a.B/C");
  none.accept = nullptr;
  EXPECT_EQ(rpcs.add("one", none).code(), ION_E_INVALID);
}

TEST(RpcRegistry, forgets_a_drained_plugin_but_keeps_what_was_found_readable) {
  RpcRegistry rpcs;
  ASSERT_TRUE(rpcs.add("one", handler("/a.B/C")).ok());
  ASSERT_TRUE(rpcs.add("two", handler("/a.B/D")).ok());
  ASSERT_TRUE(rpcs.describe("one", "set of one").ok());
  ASSERT_TRUE(rpcs.describe("two", "set of two").ok());
  const ion_rpc_handler* found = *rpcs.find("/a.B/C");
  rpcs.remove("one");
  EXPECT_FALSE(rpcs.find("/a.B/C").has_value());
  EXPECT_TRUE(rpcs.find("/a.B/D").has_value());
  EXPECT_EQ(text_of(found->method), "/a.B/C");
  EXPECT_EQ(rpcs.descriptors(), std::vector<std::string>{"set of two"});
  EXPECT_TRUE(rpcs.add("three", handler("/a.B/C")).ok());
}

TEST(RpcRegistry, is_bounded) {
  RpcRegistry rpcs;
  for (size_t i = 0; i < kHandlersMax; ++i) ASSERT_TRUE(rpcs.add("one", handler("/a.B/M" + std::to_string(i))).ok());
  EXPECT_EQ(rpcs.add("one", handler("/a.B/C")).code(), ION_E_OVERLOADED);
}

TEST(ContractRegistry, lists_in_the_order_of_the_configuration) {
  ContractRegistry contracts;
  const int first = 0, second = 0, third = 0;  // stand for instances
  contracts.add("second", 1, {{"ion.transport/1", {&contracts, nullptr}}, {"ion.peer/1", {&contracts, nullptr}}}, &second);
  contracts.add("first", 0, {{"ion.transport/1", {&contracts, nullptr}}}, &first);
  const auto all = contracts.all("ion.transport/1");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "first");
  EXPECT_EQ(all[1].name, "second");
  EXPECT_TRUE(contracts.find("ion.transport/1", "second").has_value());
  EXPECT_EQ(contracts.find("ion.transport/1").error().code(), ION_E_CONFLICT);
  contracts.remove(&first);
  EXPECT_TRUE(contracts.find("ion.transport/1").has_value());
  contracts.add("second", 1, {{"ion.transport/1", {&third, nullptr}}}, &third, &second);
  EXPECT_EQ(contracts.find("ion.transport/1")->table, &third) << "one takes the place of the other";
  EXPECT_FALSE(contracts.find("ion.peer/1").has_value());
  contracts.remove(&second);
  EXPECT_TRUE(contracts.find("ion.transport/1").has_value()) << "what has left takes nothing with it";
  EXPECT_EQ(contracts.find("ion.transport/2").error().code(), ION_E_NOT_FOUND) << "ids are compared whole";
}

TEST(LibraryRules, take_the_stars_of_a_pattern_for_any_text) {
  EXPECT_TRUE(matches_pattern("libabsl_*.so.*", "libabsl_base.so.20220623"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*b*c", "axxbyybc"));
  EXPECT_FALSE(matches_pattern("a*b*c", "axxbyyb"));
  EXPECT_FALSE(matches_pattern("libc.so.*", "libcrypto.so.3"));
}

TEST(LibraryRules, refuse_paths_and_strangers) {
  EXPECT_TRUE(check_libraries({{"libc.so.6", "libstdc++.so.6"}, {}, {}}, {}).ok());
  EXPECT_EQ(check_libraries({{"/tmp/libc.so.6"}, {}, {}}, {}).code(), ION_E_FORBIDDEN);
  EXPECT_EQ(check_libraries({{"libmagic.so.1"}, {}, {}}, {}).code(), ION_E_FORBIDDEN);
  const std::vector<std::string> own = {"libmagic.so.1"};
  EXPECT_TRUE(check_libraries({{"libmagic.so.1"}, {}, {}}, own).ok());
  EXPECT_EQ(check_libraries({{}, "$ORIGIN", {}}, {}).code(), ION_E_FORBIDDEN);
}

}  // namespace
}  // namespace ion::host
