#include "observe/health.h"

#include <gtest/gtest.h>

namespace ion::observe {
namespace {

TEST(health, it_starts_serves_and_drains) {
  Health health;
  EXPECT_EQ(health.state(), HealthState::kStarting);
  EXPECT_FALSE(health.ready());
  EXPECT_TRUE(health.serve().ok());
  EXPECT_TRUE(health.ready());
  health.drain();
  EXPECT_EQ(health.state(), HealthState::kDraining);
  EXPECT_FALSE(health.ready());
}

TEST(health, what_drains_does_not_serve_again) {
  Health health;
  health.drain();
  EXPECT_EQ(health.serve().code(), ION_E_CLOSED);
  EXPECT_EQ(health.state(), HealthState::kDraining);
}

TEST(health, a_failure_is_final_and_keeps_its_reason) {
  Health health;
  ASSERT_TRUE(health.serve().ok());
  health.fail("storage", "sync of segment 3: I/O error");
  health.drain();
  EXPECT_FALSE(health.serve().ok());
  health.clear("storage");
  const HealthReport report = health.report();
  EXPECT_EQ(report.state, HealthState::kFailed);
  ASSERT_EQ(report.reasons.size(), 1u);
  EXPECT_EQ(report.reasons[0].part, "storage");
  EXPECT_EQ(report.reasons[0].words, "sync of segment 3: I/O error");
  EXPECT_EQ(health_name(report.state), "failed");
}

TEST(health, reasons_come_and_go_without_a_change_of_state) {
  Health health;
  ASSERT_TRUE(health.serve().ok());
  health.raise("disk", "95 % full");
  health.raise("plugin x", "breaker open");
  health.raise("disk", "96 % full");
  ASSERT_EQ(health.report().reasons.size(), 2u);
  EXPECT_EQ(health.report().reasons[0].words, "96 % full");
  EXPECT_TRUE(health.ready());
  health.clear("disk");
  health.clear("nothing");
  ASSERT_EQ(health.report().reasons.size(), 1u);
  EXPECT_EQ(health.report().reasons[0].part, "plugin x");
}

TEST(health, reasons_have_a_bound_and_a_failure_finds_room) {
  Health health;
  for (size_t i = 0; i < Health::kReasonsMax + 10; ++i) health.raise("part " + std::to_string(i), "x");
  EXPECT_EQ(health.report().reasons.size(), Health::kReasonsMax);
  health.fail("storage", "gone");
  EXPECT_EQ(health.report().reasons.size(), Health::kReasonsMax);
  EXPECT_EQ(health.report().reasons.back().part, "storage");
  EXPECT_EQ(health.report().reasons.front().part, "part 0");
}

TEST(health, a_reason_that_stops_writes_is_known_without_asking_for_the_report_and_always_finds_a_place) {
  Health health;
  EXPECT_TRUE(health.takes_writes());
  for (size_t i = 0; i < Health::kReasonsMax; ++i) health.raise("part " + std::to_string(i), "x");
  EXPECT_TRUE(health.takes_writes());
  health.raise("storage", "the disk is full", Harm::kWrites);
  EXPECT_FALSE(health.takes_writes());
  EXPECT_EQ(health.report().reasons.size(), Health::kReasonsMax);
  EXPECT_EQ(health.report().reasons.back().part, "storage");
  health.clear("storage");
  EXPECT_TRUE(health.takes_writes());
}

}  // namespace
}  // namespace ion::observe
