#include "host/plugin_order.h"

#include <gtest/gtest.h>

namespace ion::host {
namespace {

using Order = std::vector<size_t>;
const std::vector<std::string> kServices = {"ion.files/1", "ion.broker_api/1"};

TEST(PluginOrder, without_needs_is_the_order_of_the_configuration) {
  EXPECT_EQ(*order_plugins({{"b", {}, {}}, {"a", {}, {}}}, kServices), (Order{0, 1}));
}

TEST(PluginOrder, puts_providers_first_and_keeps_the_rest_as_configured) {
  const std::vector<PluginLinks> plugins = {{"transport", {"ion.transport/1"}, {"ion.broker_api/1", "ion.rpc.x/1?"}},
                                            {"raft", {"ion.consensus/1"}, {"ion.peer/1", "ion.files/1"}},
                                            {"peer", {"ion.peer/1"}, {}},
                                            {"storage", {"ion.storage/1"}, {"ion.files/1"}}};
  EXPECT_EQ(*order_plugins(plugins, kServices), (Order{0, 2, 1, 3}));
}

TEST(PluginOrder, follows_an_optional_need_that_is_there) {
  EXPECT_EQ(*order_plugins({{"a", {}, {"x.y/1?"}}, {"b", {"x.y/1"}, {}}}, kServices), (Order{1, 0}));
}

TEST(PluginOrder, lets_a_plugin_need_what_it_provides_itself) {
  EXPECT_EQ(*order_plugins({{"a", {"x.y/1"}, {"x.y/1"}}}, kServices), (Order{0}));
}

TEST(PluginOrder, names_every_link_of_a_circle_and_nobody_outside) {
  const auto refused = order_plugins(
      {{"outside", {}, {"x.a/1"}}, {"a", {"x.a/1"}, {"x.b/1"}}, {"b", {"x.b/1"}, {"x.c/1"}}, {"c", {"x.c/1"}, {"x.a/1"}}},
      kServices);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(),
            "plugins need each other in a circle: a needs x.b/1 of b, b needs x.c/1 of c, c needs x.a/1 of a");
}

TEST(PluginOrder, allows_many_transports_and_one_storage) {
  EXPECT_TRUE(order_plugins({{"a", {"ion.transport/1"}, {}}, {"b", {"ion.transport/1"}, {}}}, kServices).has_value());
  const auto refused = order_plugins({{"a", {"ion.storage/1"}, {}}, {"b", {"ion.storage/1"}, {}}}, kServices);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ION_E_CONFLICT);
  EXPECT_NE(refused.error().message().find("plugins.b.enabled"), std::string::npos);
}

TEST(PluginOrder, refuses_a_name_given_twice) {
  const auto refused = order_plugins({{"a", {}, {}}, {"a", {}, {}}}, kServices);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), "two plugins have the name a");
}

}  // namespace
}  // namespace ion::host
