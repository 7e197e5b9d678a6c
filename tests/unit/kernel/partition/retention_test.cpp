// The beginning of a partition's log goes: by its rules, by an operator, and never before its producer state is written down.
#include "partition_test.h"

#include <ion/record_reader.h>

namespace ion::partition {
namespace {

class RetentionTest : public PartitionTest {
 protected:
  // A producer's batch that is durable and then sealed as a piece of its own, `bytes` large.
  void add_piece(std::string_view value, int32_t sequence, uint64_t bytes = 100) {
    Produced* const p = produce(make_batch({value}, {{9}, {0}, sequence}));
    disk_finishes();
    ASSERT_TRUE(p->status && p->status->ok()) << (p->status ? p->status->text() : "no answer");
    log_->active_bytes = bytes, log_->active_since = clock_.wall();
    call([&](Op& op) { return log_->seal(op); }, [](const ion_result&) {});
  }
  void look() {
    partition_->look_at_retention(clock_.wall());
    run();
    disk_finishes();
  }
  std::optional<Status> trim(int64_t before) {
    std::optional<Status> done;
    partition_->trim({before}, [&](const Status& s) { done = s; });
    run();
    return done;
  }
  // What the newest snapshot covers.
  int64_t snapshot_upto() {
    const auto& [header, bytes] = state_bytes_.batches.back();
    auto reader = batch::RecordReader::open(bytes);
    const auto record = reader->next();
    ProducerWindow window;
    return window.restore(*(*record)->value)->v;
  }
  int64_t start() { return partition_->view().log_start.v; }
};

TEST_F(RetentionTest, what_is_too_old_goes_when_it_is_looked_at) {
  open(Durability::kFsync, {seconds(100), 0, {}});
  add_piece("a", 0);
  pass(seconds(60));
  add_piece("b", 1);
  look();
  EXPECT_EQ(start(), 0);
  pass(seconds(50));
  look();
  EXPECT_EQ(start(), 1);
  EXPECT_EQ(fetch(0)->status->code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(std::string(fetch(0)->error.reason), "OFFSET_OUT_OF_RANGE");
  pass(seconds(60));
  look();
  EXPECT_EQ(start(), 2);
}

TEST_F(RetentionTest, what_is_too_much_goes) {
  open(Durability::kOs, {{}, 250, {}});
  for (int32_t i = 0; i < 4; ++i) add_piece("x", i);
  look();
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, a_fast_stream_is_looked_at_as_its_bytes_come_in) {
  open(Durability::kOs, {{}, 400'000, {}});
  const std::string value(70'000, 'v');
  for (int32_t i = 0; i < 8; ++i) add_piece(value, i, 100'000);
  EXPECT_GE(start(), 3) << "nobody looked";
}

TEST_F(RetentionTest, a_log_without_limits_is_not_even_asked) {
  open();
  add_piece("a", 0);
  pass(seconds(1'000'000'000));
  look();
  EXPECT_EQ(start(), 0);
  EXPECT_EQ(log_->seals, 1);
}

TEST_F(RetentionTest, an_active_segment_that_is_old_enough_is_closed_and_goes_with_its_age) {
  open(Durability::kFsync, {seconds(800), 0, {}});
  produce(make_batch({"a"}));
  disk_finishes();
  log_->active_bytes = 100, log_->active_since = clock_.wall();
  pass(seconds(99));
  look();
  EXPECT_EQ(log_->seals, 0);
  pass(seconds(5));
  look();
  EXPECT_EQ(log_->seals, 1);
  EXPECT_EQ(start(), 0);
  pass(seconds(700));
  look();
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, a_repeat_is_known_after_the_batch_has_gone_and_after_a_restart) {
  open(Durability::kFsync, {seconds(10), 0, {}});
  add_piece("a", 0);
  add_piece("b", 1);
  pass(seconds(20));
  look();
  ASSERT_EQ(start(), 2);
  Produced* const again = produce(make_batch({"b"}, {{9}, {0}, 1}));
  ASSERT_TRUE(again->status && again->status->ok());
  EXPECT_EQ(again->answer.flags, ION_PRODUCE_DUPLICATE);
  EXPECT_EQ(again->answer.base, 1);
  // A clean stop writes nothing more of so little.
  partition_->close([](const Status&) {});
  run();
  partition_.reset();
  open();
  Produced* const later = produce(make_batch({"b"}, {{9}, {0}, 1}));
  ASSERT_TRUE(later->status && later->status->ok()) << later->status->text();
  EXPECT_EQ(later->answer.flags, ION_PRODUCE_DUPLICATE);
  EXPECT_EQ(later->answer.base, 1);
}

TEST_F(RetentionTest, nothing_goes_before_the_producer_state_is_durable) {
  hold_state_ = true;
  open(Durability::kFsync, {seconds(10), 0, {}});
  add_piece("a", 0);
  pass(seconds(20));
  look();
  EXPECT_EQ(start(), 0) << "the state log was not flushed yet";
  state_->finish_syncs();
  run();
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, the_state_of_a_partition_that_is_always_written_to_is_taken_when_a_sync_begins) {
  open(Durability::kFsync, {seconds(10), 0, {}});
  add_piece("a", 0);
  pass(seconds(20));
  produce(make_batch({"b"}, {{9}, {0}, 1}));  // its sync began without a snapshot
  partition_->look_at_retention(clock_.wall());
  run();
  produce(make_batch({"c"}, {{9}, {0}, 2}));  // rides on the next one
  EXPECT_EQ(start(), 0);
  disk_finishes();
  EXPECT_EQ(start(), 0);
  produce(make_batch({"d"}, {{9}, {0}, 3}));
  disk_finishes();
  EXPECT_EQ(start(), 1);
  EXPECT_EQ(fetch(1)->bytes.empty(), false);
  EXPECT_EQ(snapshot_upto(), 3) << "of when the sync began, whatever it made durable";
}

TEST_F(RetentionTest, a_delete_that_came_while_the_last_sync_was_on_its_way_goes_on_behind_it) {
  open();
  add_piece("a", 0);
  produce(make_batch({"b"}, {{9}, {0}, 1}));
  std::optional<Status> done;
  partition_->trim({1}, [&](const Status& s) { done = s; });
  run();
  EXPECT_FALSE(done);
  disk_finishes();  // and nobody produces any more
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->ok());
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, a_sync_that_finds_no_space_does_not_hold_up_what_makes_space) {
  open(Durability::kFsync, {seconds(10), 0, {}});
  add_piece("a", 0);
  pass(seconds(20));
  produce(make_batch({"b"}, {{9}, {0}, 1}));
  partition_->look_at_retention(clock_.wall());
  run();
  EXPECT_EQ(start(), 0);
  log_->finish_syncs(Status(ION_E_NO_SPACE, "no space for a name"));
  run();
  log_->finish_syncs();
  run();
  EXPECT_EQ(start(), 1);
  pass(seconds(2));  // the sync is asked again
  disk_finishes();
}

TEST_F(RetentionTest, a_log_that_failed_answers_deletes_those_that_wait_and_those_that_come) {
  open();
  add_piece("a", 0);
  produce(make_batch({"b"}, {{9}, {0}, 1}));
  std::optional<Status> waits;
  partition_->trim({1}, [&](const Status& s) { waits = s; });
  run();
  EXPECT_FALSE(waits);
  disk_finishes(Status(ION_E_IO, "the disk is gone"));
  ASSERT_TRUE(waits);
  EXPECT_FALSE(waits->ok());
  EXPECT_FALSE(trim(1)->ok());
}

TEST_F(RetentionTest, a_state_that_cannot_be_written_for_another_reason_than_space_keeps_its_records) {
  open(Durability::kFsync, {seconds(10), 0, {}});
  add_piece("a", 0);
  refuse_state_ = Status(ION_E_OVERLOADED, "too few descriptors");
  pass(seconds(20));
  look();
  EXPECT_EQ(start(), 0);
  refuse_state_ = {};
  pass(seconds(31));
  look();
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, what_waits_for_a_flush_is_not_answered_before_it_when_the_topic_is_altered) {
  open();
  Produced* const a = produce(make_batch({"a"}));
  PartitionConfig config;
  config.durability = Durability::kOs;
  partition_->configure(config);
  run();
  Produced* const b = produce(make_batch({"b"}));
  EXPECT_TRUE(b->status) << "of the page cache";
  EXPECT_FALSE(a->status);
  disk_finishes();
  EXPECT_TRUE(a->status);
}

TEST_F(RetentionTest, a_snapshot_that_finds_no_space_keeps_no_record_from_going) {
  open(Durability::kFsync, {seconds(10), 0, {}});
  add_piece("a", 0);
  ASSERT_EQ(state_, nullptr);
  state_bytes_.next = {0};
  refuse_state_ = Status(ION_E_NO_SPACE, "full");
  pass(seconds(20));
  look();
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, a_truncation_that_is_refused_is_tried_again_at_the_next_look) {
  open(Durability::kOs, {seconds(10), 0, {}});
  add_piece("a", 0);
  log_->truncate_fails = Status(ION_E_NO_SPACE, "no space for the mark");
  pass(seconds(20));
  look();
  EXPECT_EQ(start(), 0);
  log_->truncate_fails = {};
  pass(seconds(20));
  look();
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, an_operator_deletes_what_can_be_read_and_no_more) {
  open();
  add_piece("a", 0);
  add_piece("b", 1);
  produce(make_batch({"c"}, {{9}, {0}, 2}));  // not durable yet
  EXPECT_EQ(trim(3)->code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(trim(3)->reason(), "OFFSET_OUT_OF_RANGE");
  disk_finishes();
  EXPECT_TRUE(trim(2)->ok());
  EXPECT_EQ(start(), 2);
  EXPECT_TRUE(trim(1)->ok()) << "it is gone already";
  EXPECT_EQ(start(), 2);
  EXPECT_TRUE(trim(3)->ok());
  EXPECT_EQ(start(), 3);
}

TEST_F(RetentionTest, damage_that_goes_with_the_beginning_ends_the_refusal_of_records) {
  for (const bool met_by_the_start : {false, true}) {
    damaged_ = false, data_ = state_bytes_ = {};
    open();
    add_piece("a", 0);
    add_piece("b", 1);
    if (met_by_the_start) {
      close();
      damaged_ = true;
      open();
    }
    log_->damaged = true;
    (void)partition_->view();  // somebody meets it
    ASSERT_EQ(health_.report().reasons.size(), 1u);
    log_->damaged = false;  // what the truncation makes of the log
    EXPECT_TRUE(trim(1)->ok());
    EXPECT_TRUE(partition_->view().health.ok());
    EXPECT_TRUE(health_.report().reasons.empty());
    const auto p = produce(make_batch({"c"}));
    disk_finishes();
    EXPECT_TRUE(p->status && p->status->ok());
    EXPECT_EQ(start(), 1);
    close();
  }
}

TEST_F(RetentionTest, damage_that_stays_keeps_refusing_records) {
  open();
  add_piece("a", 0);
  add_piece("b", 1);
  close();
  damaged_ = true;
  open();
  EXPECT_TRUE(trim(1)->ok());
  EXPECT_EQ(partition_->view().health.code(), ION_E_CORRUPT);
  EXPECT_EQ(produce(make_batch({"c"}))->status->code(), ION_E_CORRUPT);
}

TEST_F(RetentionTest, a_partition_that_closes_answers_every_delete_that_waits) {
  hold_state_ = true;
  open();
  add_piece("a", 0);
  std::optional<Status> first, second;
  partition_->trim({1}, [&](const Status& s) { first = s; });
  partition_->trim({1}, [&](const Status& s) { second = s; });
  run();
  std::optional<Status> closed;
  partition_->close([&](Status s) { closed = s; });
  run();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->code(), ION_E_CLOSED);
  EXPECT_EQ(second->code(), ION_E_CLOSED);
  for (int i = 0; i < 8; ++i) run(), log_->finish_syncs(), state_->finish_syncs();
  run();
  ASSERT_TRUE(closed);
  EXPECT_TRUE(closed->ok()) << closed->text();
  partition_.reset();
}

TEST_F(RetentionTest, new_rules_hold_at_once_and_reach_the_storage) {
  open();
  add_piece("a", 0);
  pass(seconds(60));
  PartitionConfig config;
  config.retention = {seconds(50), 0, seconds(7)};
  config.segment_bytes = 65'536;
  partition_->configure(config);
  run();
  ASSERT_TRUE(log_->configured);
  EXPECT_EQ(log_->configured->segment_bytes, 65'536u);
  EXPECT_EQ(log_->configured->segment_age, seconds(7));
  look();
  EXPECT_EQ(start(), 1);
}

TEST_F(RetentionTest, durability_that_was_altered_holds_for_the_next_batch) {
  open(Durability::kOs);
  EXPECT_TRUE(produce(make_batch({"a"}))->status);
  PartitionConfig config;
  config.durability = Durability::kFsync;
  partition_->configure(config);
  run();
  Produced* const b = produce(make_batch({"b"}));
  EXPECT_FALSE(b->status);
  disk_finishes();
  EXPECT_TRUE(b->status);
}

}  // namespace
}  // namespace ion::partition
