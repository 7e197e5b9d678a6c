#include "partition/space_watch.h"

#include "support/hand_world.h"
#include "support/recording_log.h"

#include <gtest/gtest.h>

namespace ion::partition {
namespace {

using namespace ion::test;

const Status kFull(ION_E_NO_SPACE, "the disk is full");

class SpaceWatchTest : public ::testing::Test {
 protected:
  void pass(Nanos time) {
    clock_.move(time);
    timers_.fire_due();
  }
  HandClock clock_;
  HandTimers timers_{clock_};
  RecordingLog logger_;
  observe::Health health_;
  Status answer_;
  std::function<void(Status)> held_;
  bool hold_ = false;
  int asked_ = 0;
  SpaceWatch watch_{{timers_, clock_, logger_, health_, {0}, [this](std::function<void(Status)> done) {
                       ++asked_;
                       if (hold_) held_ = std::move(done);
                       else done(answer_);
                     }}};
};

TEST_F(SpaceWatchTest, asks_nothing_while_all_is_well) {
  pass(seconds(60));
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(timers_.armed(), 0u);
}

TEST_F(SpaceWatchTest, a_thousand_refused_partitions_are_one_reason_one_line_and_one_question_a_second) {
  answer_ = kFull;
  for (int i = 0; i < 1000; ++i) watch_.refused("partition orders/" + std::to_string(i), kFull);
  ASSERT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_EQ(health_.report().reasons[0].part, "storage");
  EXPECT_EQ(health_.report().reasons[0].words, "not serving for writes, partition orders/0 was refused: the disk is full");
  EXPECT_FALSE(health_.takes_writes());
  EXPECT_EQ(timers_.armed(), 1u);
  for (int i = 0; i < 30; ++i) pass(seconds(1));
  EXPECT_EQ(asked_, 30);
  EXPECT_EQ(logger_.count("no space"), 1u);
  EXPECT_TRUE(watch_.full());
}

TEST_F(SpaceWatchTest, space_ends_the_reason_and_the_questions_and_a_new_refusal_begins_anew) {
  for (int round = 1; round <= 2; ++round) {
    watch_.refused("partition orders/0", kFull);
    pass(seconds(1));
    EXPECT_FALSE(watch_.full());
    EXPECT_TRUE(health_.report().reasons.empty());
    EXPECT_EQ(timers_.armed(), 0u);
    EXPECT_EQ(asked_, round);
  }
  EXPECT_EQ(logger_.count("serving for writes again"), 2u);
}

TEST_F(SpaceWatchTest, a_yes_counts_only_if_nobody_was_refused_after_the_question) {
  hold_ = true;
  watch_.refused("partition orders/0", kFull);
  pass(seconds(1));
  watch_.refused("partition orders/1", kFull);
  std::exchange(held_, nullptr)({});
  EXPECT_FALSE(health_.takes_writes());
  hold_ = false;
  pass(seconds(1));
  EXPECT_TRUE(health_.takes_writes());
}

TEST_F(SpaceWatchTest, a_look_at_a_full_disk_is_a_refusal_before_it_is_answered_and_ends_by_itself) {
  answer_ = kFull;
  bool told = false;
  watch_.look("the start", [&] { told = !health_.takes_writes(); });
  EXPECT_TRUE(told);
  EXPECT_EQ(health_.report().reasons[0].words, "not serving for writes, the start was refused: the disk is full");
  answer_ = {};
  pass(seconds(1));
  EXPECT_TRUE(health_.takes_writes());
}

TEST_F(SpaceWatchTest, a_look_at_a_storage_that_has_space_or_cannot_tell_changes_nothing) {
  for (const Code code : {ION_OK, ION_E_UNSUPPORTED}) {
    answer_ = code == ION_OK ? Status() : Status(code, "cannot tell");
    bool told = false;
    watch_.look("the start", [&] { told = true; });
    EXPECT_TRUE(told);
    EXPECT_TRUE(health_.takes_writes());
    EXPECT_EQ(timers_.armed(), 0u);
  }
}

TEST_F(SpaceWatchTest, a_storage_that_cannot_tell_is_believed_when_it_has_taken_something) {
  answer_ = Status(ION_E_UNSUPPORTED, "cannot tell");
  watch_.refused("partition orders/0", kFull);
  pass(seconds(1));
  EXPECT_TRUE(watch_.full());
  watch_.taken();
  pass(seconds(1));
  EXPECT_FALSE(watch_.full());
}

TEST_F(SpaceWatchTest, a_sync_that_waits_for_space_keeps_the_reason) {
  watch_.sync_wait_began("partition orders/0", kFull);
  for (int i = 0; i < 3; ++i) pass(seconds(1));
  EXPECT_FALSE(health_.takes_writes());
  watch_.sync_wait_ended();
  pass(seconds(1));
  EXPECT_TRUE(health_.takes_writes());
}

}  // namespace
}  // namespace ion::partition
