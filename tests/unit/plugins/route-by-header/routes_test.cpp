#include "core/routes.h"

#include <gtest/gtest.h>

namespace ion::route_by_header {
namespace {

using Other = Routes::Other;

TEST(Routes, a_value_leads_to_its_topic_and_another_one_is_kept_or_rejected) {
  const auto keep = Routes::make({"de=orders-de", "a=b=c"}, Other::kKeep);
  EXPECT_EQ(keep->target_of("de").topic, "orders-de");
  EXPECT_EQ(keep->target_of("a=b").topic, "c");
  EXPECT_EQ(keep->target_of("fr").kind, Target::Kind::kKeep);
  EXPECT_EQ(keep->target_of({}).kind, Target::Kind::kKeep);
  const auto reject = Routes::make({"de=orders-de"}, Other::kReject);
  EXPECT_EQ(reject->target_of("de").kind, Target::Kind::kTopic);
  EXPECT_EQ(reject->target_of("fr").why, "no route for \"fr\"");
  EXPECT_EQ(reject->target_of({}).why, "wanted in each record, and one has none");
}

TEST(Routes, settings_that_lead_nowhere_are_refused) {
  EXPECT_EQ(Routes::make({}, Other::kKeep).error().message(), "routes: wanted VALUE=TOPIC, have none");
  for (const char* wrong : {"de", "=x", "de="})
    EXPECT_EQ(Routes::make({wrong}, Other::kKeep).error().message(), "routes: wanted VALUE=TOPIC, have \"" + std::string(wrong) + "\"");
  EXPECT_EQ(Routes::make({"a=x", "a=y"}, Other::kKeep).error().message(), "routes: wanted each value once, have \"a\" again");
}

}  // namespace
}  // namespace ion::route_by_header
