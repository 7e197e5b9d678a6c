// Syncs that fail or wait for space, and the end of a partition.
#include "partition_test.h"

namespace ion::partition {
namespace {

using PartitionSync = PartitionTest;
using PartitionClose = PartitionTest;

TEST_F(PartitionSync, a_failed_sync_is_never_retried_and_never_acknowledged) {
  open();
  const auto p = produce(make_batch({"a"}));
  disk_finishes(Status(ION_E_IO, "EIO"));
  ASSERT_TRUE(p->status);
  EXPECT_EQ(p->status->code(), ION_E_UNKNOWN_OUTCOME);  // it is in the log, and recovery may keep it
  const auto later = produce(make_batch({"b"}));
  ASSERT_TRUE(later->status);
  EXPECT_EQ(later->status->code(), ION_E_FAILED);
  EXPECT_EQ(log_->syncs, 1);
  EXPECT_FALSE(partition_->view().health.ok());
}

TEST_F(PartitionSync, an_append_that_ends_after_a_failed_sync_is_answered_like_those_before_it) {
  open();
  const auto before = produce(make_batch({"a"}));
  log_->hold_appends = true;
  const auto after = produce(make_batch({"b"})), behind = produce(make_batch({"c"}));
  disk_finishes(Status(ION_E_IO, "EIO"));
  ASSERT_TRUE(before->status);
  log_->release_appends();
  run();
  ASSERT_TRUE(after->status);
  EXPECT_EQ(after->status->code(), ION_E_UNKNOWN_OUTCOME);  // it is in the log, and nothing will make it durable
  ASSERT_TRUE(behind->status);
  EXPECT_EQ(behind->status->code(), ION_E_FAILED);  // it is not
  EXPECT_EQ(log_->syncs, 1);
}

TEST_F(PartitionSync, a_sync_that_was_refused_is_asked_again_and_loses_nothing) {
  open();
  const auto p = produce(make_batch({"a"}));
  disk_finishes(Status(ION_E_OVERLOADED, "the pool is full"));
  EXPECT_FALSE(p->status);
  clock_.move(milliseconds(2));
  timers_.fire_due();
  run();
  disk_finishes();
  ASSERT_TRUE(p->status && p->status->ok());
}

TEST_F(PartitionSync, a_sync_without_space_acknowledges_nothing_and_goes_on_by_itself) {
  const Status full(ION_E_NO_SPACE, "the segment got no name");
  open();
  const auto a = produce(make_batch({"a"}, {{9}, {0}, 0}));
  int tries = 0;
  for (int i = 0; i < 1000; ++i) {
    if (!log_->waiting.empty()) ++tries;
    disk_finishes(full);
    pass(milliseconds(10));
  }
  EXPECT_FALSE(a->status);
  EXPECT_EQ(partition_->view().high_watermark, Offset{0});
  EXPECT_EQ(partition_->view().health.code(), ION_OK);  // its log works
  EXPECT_FALSE(health_.takes_writes());                 // although the storage says that there is space
  EXPECT_LT(tries, 20);
  EXPECT_GT(tries, 10);
  const auto repeat = produce(make_batch({"a"}, {{9}, {0}, 0})), b = produce(make_batch({"b"}, {{9}, {0}, 1}));
  EXPECT_FALSE(repeat->status);
  ASSERT_TRUE(b->status);  // at once, and nothing of it was kept
  EXPECT_EQ(b->status->code(), ION_E_NO_SPACE);
  pass(seconds(1));
  disk_finishes();
  disk_finishes();
  ASSERT_TRUE(a->status && repeat->status);
  EXPECT_TRUE(a->status->ok() && repeat->status->ok());
  pass(SpaceWatch::kAskEvery);
  pass(SpaceWatch::kAskEvery);
  EXPECT_TRUE(health_.takes_writes());
  const auto again = produce(make_batch({"b"}, {{9}, {0}, 1}));
  disk_finishes();
  ASSERT_TRUE(again->status && again->status->ok());
  EXPECT_EQ(again->answer.base, 1);
}

TEST_F(PartitionSync, a_full_disk_is_answered_at_once_also_to_what_follows_and_ends_by_itself) {
  open();
  log_->append_fails = Status(ION_E_NO_SPACE, "the disk is full");
  EXPECT_EQ(produce(make_batch({"a"}, {{9}, {0}, 0}))->status->code(), ION_E_NO_SPACE);
  EXPECT_EQ(produce(make_batch({"b"}, {{9}, {0}, 1}))->status->code(), ION_E_NO_SPACE);
  EXPECT_EQ(partition_->view().health.code(), ION_E_NO_SPACE);
  ASSERT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_NE(health_.report().reasons[0].words.find("partition orders/0"), std::string::npos);
  EXPECT_FALSE(health_.takes_writes());
  pass(SpaceWatch::kAskEvery);
  EXPECT_TRUE(partition_->view().health.ok());  // the storage has space again, and nobody had to produce for that
  log_->append_fails = {};
  (void)produce(make_batch({"other"}, {{8}, {0}, 0}));
  EXPECT_EQ(produce(make_batch({"b"}, {{9}, {0}, 1}))->status->code(), ION_E_NO_SPACE);  // was on its way, not a broken sequence
  const auto a = produce(make_batch({"a"}, {{9}, {0}, 0})), b = produce(make_batch({"b"}, {{9}, {0}, 1}));
  for (int i = 0; i < 3; ++i) disk_finishes();
  EXPECT_TRUE(a->status && a->status->ok());
  EXPECT_TRUE(b->status && b->status->ok());
  EXPECT_TRUE(partition_->view().health.ok());
  EXPECT_TRUE(health_.report().reasons.empty());
  EXPECT_EQ(produce(make_batch({"d"}, {{9}, {0}, 3}))->status->code(), ION_E_FENCED);
}

TEST_F(PartitionClose, a_close_does_not_wait_for_space) {
  open();
  const auto a = produce(make_batch({"a"}));
  disk_finishes(Status(ION_E_NO_SPACE, "full"));
  std::optional<Status> closed;
  partition_->close([&](Status s) { closed = s; });
  run();
  EXPECT_FALSE(closed);  // a sync is still to be tried
  pass(seconds(1));
  disk_finishes(Status(ION_E_NO_SPACE, "full"));
  EXPECT_TRUE(closed && closed->ok());
  ASSERT_TRUE(a->status);
  EXPECT_EQ(a->status->code(), ION_E_UNKNOWN_OUTCOME);
  EXPECT_TRUE(log_->closed);
}

TEST_F(PartitionClose, closing_answers_who_waits_and_refuses_who_comes) {
  open();
  const auto reader = fetch(0, seconds(10));
  const auto p = produce(make_batch({"a"}));
  std::optional<Status> closed;
  partition_->close([&](Status s) { closed = s; });
  run();
  ASSERT_TRUE(reader->status);
  EXPECT_EQ(reader->status->code(), ION_E_CLOSED);
  EXPECT_FALSE(closed);  // an append is still on its way to the disk
  const auto late = produce(make_batch({"b"}));
  ASSERT_TRUE(late->status);
  EXPECT_EQ(late->status->code(), ION_E_CLOSED);
  disk_finishes();
  EXPECT_TRUE(p->status && p->status->ok());
  ASSERT_TRUE(closed);
  EXPECT_TRUE(log_->closed);
}

}  // namespace
}  // namespace ion::partition
