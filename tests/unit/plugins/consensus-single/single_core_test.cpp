#include "core/single_core.h"

#include <gtest/gtest.h>

namespace ion::consensus_single {
namespace {

TEST(SingleCore, an_entry_is_synced_before_it_is_applied) {
  SingleCore core(1, 1);
  EXPECT_FALSE(core.opened().sync);
  EXPECT_EQ(core.propose(), 1u);
  const Actions appended = core.appended(2);
  EXPECT_TRUE(appended.sync);
  EXPECT_EQ(appended.sync_upto, 2u);
  EXPECT_EQ(appended.apply_from, appended.apply_upto);
  const Actions persisted = core.persisted(2);
  EXPECT_EQ(persisted.apply_from, 1u);
  EXPECT_EQ(persisted.apply_upto, 2u);
  EXPECT_TRUE(core.idle());
}

TEST(SingleCore, what_arrives_during_a_sync_rides_on_the_next_one) {
  SingleCore core(1, 1);
  for (uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(core.propose(), i);
  EXPECT_TRUE(core.appended(2).sync);
  EXPECT_FALSE(core.appended(3).sync);
  EXPECT_FALSE(core.appended(4).sync);
  const Actions first = core.persisted(2);
  EXPECT_TRUE(first.sync);
  EXPECT_EQ(first.sync_upto, 4u);
  EXPECT_EQ(first.apply_upto, 2u);
  const Actions second = core.persisted(4);
  EXPECT_FALSE(second.sync);
  EXPECT_EQ(second.apply_from, 2u);
  EXPECT_EQ(second.apply_upto, 4u);
}

TEST(SingleCore, entries_found_at_start_are_synced_again_before_they_are_applied) {
  SingleCore core(1, 5);
  const Actions opened = core.opened();
  EXPECT_TRUE(opened.sync);
  EXPECT_EQ(opened.apply_from, opened.apply_upto);
  const Actions persisted = core.persisted(5);
  EXPECT_EQ(persisted.apply_from, 1u);
  EXPECT_EQ(persisted.apply_upto, 5u);
  EXPECT_EQ(core.propose(), 5u);
}

TEST(SingleCore, after_a_failure_nothing_more_is_claimed) {
  SingleCore core(1, 1);
  (void)core.propose();
  EXPECT_TRUE(core.appended(2).sync);
  core.fail();
  const Actions actions = core.persisted(2);
  EXPECT_EQ(actions.apply_from, actions.apply_upto);
  EXPECT_EQ(core.applied(), 1u);
}

TEST(SingleCoreDeath, acknowledging_more_than_was_appended_is_a_bug) {
  SingleCore core(1, 1);
  (void)core.propose();
  (void)core.appended(2);
  EXPECT_DEATH((void)core.persisted(3), "assertion failed");
}

}  // namespace
}  // namespace ion::consensus_single
