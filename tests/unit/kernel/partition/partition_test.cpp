#include "partition_test.h"

#include <ion/record_reader.h>

namespace ion::partition {
namespace {

const std::string kLarge(300 << 10, 'a');  // a start would read so much that a snapshot is worth it

TEST_F(PartitionTest, an_ack_waits_for_the_disk) {
  open();
  const auto p = produce(make_batch({"a", "b"}));
  EXPECT_FALSE(p->status);
  EXPECT_EQ(partition_->view().high_watermark, Offset{0});
  disk_finishes();
  ASSERT_TRUE(p->status && p->status->ok());
  EXPECT_EQ(p->answer.base, 0);
  EXPECT_EQ(p->answer.next, 2);
  EXPECT_EQ(p->answer.log_id, 77u);
  EXPECT_EQ(partition_->view().high_watermark, Offset{2});
}

TEST_F(PartitionTest, with_durability_os_an_ack_waits_for_nothing) {
  open(Durability::kOs);
  const auto p = produce(make_batch({"a"}));
  ASSERT_TRUE(p->status && p->status->ok());
  EXPECT_EQ(log_->syncs, 0);
  EXPECT_EQ(partition_->view().high_watermark, Offset{1});
}

TEST_F(PartitionTest, what_is_acknowledged_is_visible_when_the_acknowledgement_completes) {
  for (const Durability durability : {Durability::kOs, Durability::kFsync}) {
    data_ = state_bytes_ = {};
    open(durability);
    Produced p;
    p.bytes = make_batch({"a"});
    p.part = borrowed(p.bytes);
    p.answer.error = &p.error;
    const auto header = batch::check(std::span<const ion_buf>(&p.part, 1), 1 << 20, batch::From::kClient);
    int64_t visible = -1;
    call([&](Op& op) { return partition_->produce(op, *header, std::span<const ion_buf>(&p.part, 1), ION_ACKS_ALL, p.answer); },
         [&](const ion_result&) { visible = partition_->view().high_watermark.v; });
    run();
    disk_finishes();
    EXPECT_EQ(visible, 1);
    EXPECT_EQ(p.answer.high_watermark, 1);
    close();
  }
}

TEST_F(PartitionTest, a_reader_at_an_offset_that_is_not_yet_visible_waits_for_it) {
  open();
  (void)produce(make_batch({"a"}), ION_ACKS_NONE);
  (void)produce(make_batch({"b"}), ION_ACKS_NONE);
  const auto now = fetch(1);
  ASSERT_TRUE(now->status && now->status->ok());
  EXPECT_EQ(now->answer.next, 1);
  const auto waiting = fetch(1, seconds(5));
  EXPECT_FALSE(waiting->status);
  disk_finishes();
  disk_finishes();
  ASSERT_TRUE(waiting->status && waiting->status->ok());
  EXPECT_NE(waiting->bytes.find('b'), std::string::npos);
}

TEST_F(PartitionTest, the_broker_writes_base_offset_and_epoch_and_leaves_the_rest) {
  open(Durability::kOs);
  (void)produce(make_batch({"a", "b"}));
  (void)produce(make_batch({"c"}));
  ASSERT_EQ(data_.batches.size(), 2u);
  EXPECT_EQ(data_.batches[1].first.base_offset, Offset{2});
  EXPECT_EQ(data_.batches[1].first.leader_epoch, Epoch{3});
  const ion_buf part = borrowed(data_.batches[1].second);
  EXPECT_TRUE(batch::check(std::span<const ion_buf>(&part, 1), 1 << 20, batch::From::kBroker));
}

TEST_F(PartitionTest, the_time_of_the_append_is_written_as_kafka_does_and_acknowledged) {
  open(Durability::kOs);
  const auto before = produce(make_batch({"a"}));
  EXPECT_EQ(before->answer.append_time_ms, -1) << "the producer's times stand";
  PartitionConfig config;
  config.durability = Durability::kOs, config.append_time = true;
  partition_->configure(config);
  run();
  const auto bytes = make_batch({"b", std::string(5'000, 'c')}, {{9}, {0}, 0});
  const auto stamped = produce(bytes);
  const int64_t now = clock_.wall().ms;
  EXPECT_EQ(stamped->answer.append_time_ms, now);
  ASSERT_EQ(data_.batches.size(), 2u);
  const batch::Header sent = batch::read_header(bytes.data()), stored = batch::read_header(data_.batches[1].second.data());
  EXPECT_EQ(stored.attributes, sent.attributes | batch::kLogAppendTime);
  EXPECT_EQ(stored.max_time.ms, now);
  EXPECT_EQ(stored.base_time, sent.base_time) << "base time and deltas stay";
  EXPECT_EQ(stored.base_offset, Offset{1});
  const ion_buf part = borrowed(data_.batches[1].second);
  EXPECT_EQ(stored.crc, crc32c::of_parts({&part, 1}, batch::kCrcFrom)) << "the header is under the checksum";
  auto reader = batch::RecordReader::open(data_.batches[1].second);
  ASSERT_TRUE(reader);
  for (int i = 0; i < 2; ++i) EXPECT_EQ((*reader->next())->time.ms, now);
  const auto again = produce(bytes);
  EXPECT_EQ(again->answer.flags, ION_PRODUCE_DUPLICATE);
  EXPECT_EQ(again->answer.append_time_ms, -1) << "of a repeat no time is made up";
  EXPECT_EQ(data_.batches.size(), 2u);
}

TEST_F(PartitionTest, times_of_appends_never_go_back_and_no_time_becomes_one) {
  open(Durability::kOs);
  PartitionConfig config;
  config.durability = Durability::kOs, config.append_time = true;
  partition_->configure(config);
  run();
  batch::RecordWriter writer;
  writer.append({std::nullopt, span_of("x"), batch::kNoTime, {}});
  const int64_t first = clock_.wall().ms;
  EXPECT_EQ(produce(writer.finish())->answer.append_time_ms, first);
  EXPECT_EQ(batch::read_header(data_.batches[0].second.data()).base_time.ms, first);
  clock_.set_wall_by(seconds(-60));
  EXPECT_EQ(produce(make_batch({"b"}))->answer.append_time_ms, first);
}

TEST_F(PartitionTest, many_waiting_batches_share_one_sync) {
  open();
  std::vector<Produced*> all;
  for (int i = 0; i < 64; ++i) all.push_back(produce(make_batch({"x"})));
  EXPECT_EQ(log_->syncs, 1);
  disk_finishes();
  EXPECT_EQ(log_->syncs, 2);
  disk_finishes();
  for (const auto& p : all) EXPECT_TRUE(p->status && p->status->ok());
  EXPECT_EQ(log_->syncs, 2);
}

TEST_F(PartitionTest, records_below_the_high_watermark_only_are_visible) {
  open();
  (void)produce(make_batch({"secret"}));
  EXPECT_TRUE(fetch(0)->bytes.empty());
  disk_finishes();
  EXPECT_NE(fetch(0)->bytes.find("secret"), std::string::npos);
}

TEST_F(PartitionTest, a_repeated_batch_gets_its_first_offset_and_is_stored_once) {
  open();
  const auto bytes = make_batch({"a", "b"}, {{9}, {0}, 0});
  const auto first = produce(bytes);
  disk_finishes();
  const auto again = produce(bytes);
  ASSERT_TRUE(again->status && again->status->ok());
  EXPECT_EQ(again->answer.base, first->answer.base);
  EXPECT_EQ(again->answer.flags, ION_PRODUCE_DUPLICATE);
  EXPECT_EQ(data_.batches.size(), 1u);
}

TEST_F(PartitionTest, a_repeat_of_a_batch_that_is_not_yet_durable_waits_for_it) {
  open();
  const auto bytes = make_batch({"a"}, {{9}, {0}, 0});
  const auto first = produce(bytes);
  const auto again = produce(bytes);
  EXPECT_FALSE(again->status);
  disk_finishes();
  disk_finishes();
  ASSERT_TRUE(first->status && again->status);
  EXPECT_TRUE(again->status->ok());
  EXPECT_EQ(again->answer.base, 0);
}

TEST_F(PartitionTest, a_gap_in_sequences_is_refused_with_words) {
  open(Durability::kOs);
  (void)produce(make_batch({"a"}, {{9}, {0}, 0}));
  const auto gap = produce(make_batch({"c"}, {{9}, {0}, 2}));
  ASSERT_TRUE(gap->status);
  EXPECT_EQ(gap->status->code(), ION_E_FENCED);
  EXPECT_STREQ(gap->error.reason, "OUT_OF_SEQUENCE");
}

TEST_F(PartitionTest, appends_that_wait_for_a_segment_keep_their_order) {
  open(Durability::kOs);
  log_->hold_appends = true;
  const auto a = produce(make_batch({"a"}));
  const auto b = produce(make_batch({"b"}));
  EXPECT_FALSE(a->status);
  EXPECT_FALSE(b->status);
  log_->release_appends();
  run();
  ASSERT_TRUE(a->status && b->status);
  EXPECT_EQ(a->answer.base, 0);
  EXPECT_EQ(b->answer.base, 1);
}

TEST_F(PartitionTest, a_refused_append_leaves_no_hole_and_no_sequence_behind) {
  open(Durability::kOs);
  log_->append_fails = Status(ION_E_NO_SPACE, "the disk is full");
  const auto full = produce(make_batch({"a"}, {{9}, {0}, 0}));
  ASSERT_TRUE(full->status);
  EXPECT_EQ(full->status->code(), ION_E_NO_SPACE);
  log_->append_fails = {};
  const auto retry = produce(make_batch({"a"}, {{9}, {0}, 0}));
  ASSERT_TRUE(retry->status && retry->status->ok());
  EXPECT_EQ(retry->answer.base, 0);
  EXPECT_EQ(retry->answer.flags, 0u);
}

TEST_F(PartitionTest, a_reader_is_woken_by_what_was_appended_during_the_sync_before) {
  open();
  (void)produce(make_batch({"a"}));
  (void)produce(make_batch({"b"}));  // appended while the sync of "a" is on its way
  disk_finishes_one();
  const auto reader = fetch(1, seconds(10));
  EXPECT_FALSE(reader->status);
  disk_finishes();
  ASSERT_TRUE(reader->status && reader->status->ok());
  EXPECT_NE(reader->bytes.find("b"), std::string::npos);
}

TEST_F(PartitionTest, a_reader_at_the_end_waits_and_is_woken_by_the_next_record) {
  open();
  const auto reader = fetch(0, seconds(10));
  EXPECT_FALSE(reader->status);
  (void)produce(make_batch({"news"}));
  EXPECT_FALSE(reader->status);
  disk_finishes();
  ASSERT_TRUE(reader->status && reader->status->ok());
  EXPECT_NE(reader->bytes.find("news"), std::string::npos);
  EXPECT_EQ(reader->answer.next, 1);
}

TEST_F(PartitionTest, a_wait_ends_empty_and_ok_at_its_time) {
  open();
  const auto reader = fetch(0, milliseconds(500));
  clock_.move(milliseconds(499));
  timers_.fire_due();
  run();
  EXPECT_FALSE(reader->status);
  clock_.move(milliseconds(1));
  timers_.fire_due();
  run();
  ASSERT_TRUE(reader->status && reader->status->ok());
  EXPECT_TRUE(reader->bytes.empty());
  EXPECT_EQ(reader->answer.next, 0);
  EXPECT_EQ(timers_.armed(), 0u);
}

TEST_F(PartitionTest, a_waiting_reader_can_be_cancelled) {
  open();
  const auto reader = fetch(0, seconds(10), 1, 4711);
  partition_->cancel_fetch(4711);
  run();
  ASSERT_TRUE(reader->status);
  EXPECT_EQ(reader->status->code(), ION_E_CANCELLED);
}

TEST_F(PartitionTest, an_offset_outside_the_log_is_out_of_range_with_both_ends) {
  open();
  const auto beyond = fetch(5);
  ASSERT_TRUE(beyond->status);
  EXPECT_EQ(beyond->status->code(), ION_E_OUT_OF_RANGE);
  EXPECT_STREQ(beyond->error.reason, "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(fetch(-1)->status->code(), ION_E_OUT_OF_RANGE);
}

TEST_F(PartitionTest, producer_state_survives_a_clean_stop_by_its_snapshot) {
  open();
  const auto bytes = make_batch({kLarge}, {{9}, {0}, 0});
  (void)produce(bytes);
  disk_finishes();
  EXPECT_EQ(state_, nullptr);  // the state log is opened with the first snapshot
  close();
  ASSERT_EQ(state_bytes_.batches.size(), 1u);
  open();
  const auto again = produce(bytes);
  ASSERT_TRUE(again->status && again->status->ok());
  EXPECT_EQ(again->answer.flags, ION_PRODUCE_DUPLICATE);
}

TEST_F(PartitionTest, a_short_log_is_read_again_instead_of_a_snapshot) {
  open();
  (void)produce(make_batch({"a"}, {{9}, {0}, 0}));
  disk_finishes();
  close();
  EXPECT_EQ(state_, nullptr);
  open();
  EXPECT_EQ(produce(make_batch({"a"}, {{9}, {0}, 0}))->answer.flags, ION_PRODUCE_DUPLICATE);
}

TEST_F(PartitionTest, producer_state_survives_a_crash_by_the_log_itself) {
  open();
  const auto bytes = make_batch({"a", "b"}, {{9}, {0}, 0});
  (void)produce(bytes);
  disk_finishes();
  partition_.reset();  // no close: nothing was written down
  open();
  EXPECT_TRUE(state_bytes_.batches.empty());
  const auto again = produce(bytes);
  ASSERT_TRUE(again->status && again->status->ok());
  EXPECT_EQ(again->answer.base, 0);
  EXPECT_EQ(data_.batches.size(), 1u);
}

TEST_F(PartitionTest, a_snapshot_ahead_of_its_log_is_not_believed) {
  open();
  (void)produce(make_batch({kLarge}, {{9}, {0}, 0}));
  (void)produce(make_batch({"b"}, {{9}, {0}, 1}));
  disk_finishes();
  disk_finishes();
  close();
  ASSERT_EQ(state_bytes_.batches.size(), 1u);
  data_.batches.pop_back();  // the log lost its tail, the state log did not
  data_.next = data_.durable = {1};
  open();
  const auto b = produce(make_batch({"b"}, {{9}, {0}, 1}));
  disk_finishes();
  ASSERT_TRUE(b->status && b->status->ok());
  EXPECT_EQ(b->answer.flags, 0u);
  EXPECT_EQ(b->answer.base, 1);
}

TEST_F(PartitionTest, a_snapshot_that_was_not_believed_is_not_believed_later_either) {
  open();
  for (int i = 0; i < 3; ++i) (void)produce(make_batch({kLarge}, {{9}, {0}, i}));
  disk_finishes();
  disk_finishes();
  close();
  data_.batches.clear();  // the log lost all of it, the state log nothing
  data_.next = data_.durable = {0};
  open();
  for (int i = 0; i < 3; ++i) (void)produce(make_batch({"other"}, {{8}, {0}, i}));
  disk_finishes();
  disk_finishes();
  // The process dies: no snapshot is written at the end. The log is as long again as the old snapshot says.
  partition_.reset();
  open();
  const auto a = produce(make_batch({kLarge}, {{9}, {0}, 0}));
  disk_finishes();
  ASSERT_TRUE(a->status && a->status->ok());
  EXPECT_EQ(a->answer.flags, 0u);  // never stored: not a duplicate
  EXPECT_EQ(a->answer.base, 3);
}

TEST_F(PartitionTest, a_damaged_log_refuses_appends_and_says_how_to_go_on) {
  damaged_ = true;
  open();
  const auto p = produce(make_batch({"a"}));
  ASSERT_TRUE(p->status);
  EXPECT_EQ(p->status->code(), ION_E_CORRUPT);
  EXPECT_NE(p->status->message().find("`ion topic repair orders -p 0`"), std::string::npos);
}

TEST_F(PartitionTest, damage_that_a_reader_meets_is_told_in_the_view_and_among_the_problems_until_the_partition_is_closed) {
  open();
  (void)produce(make_batch({"a", "b"}));
  disk_finishes();
  EXPECT_TRUE(partition_->view().health.ok());
  log_->damaged = true;
  EXPECT_EQ(fetch(0)->status->code(), ION_E_CORRUPT);
  ASSERT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_EQ(health_.report().reasons[0].part, "partition orders/0");
  EXPECT_NE(health_.report().reasons[0].words.find("offsets 0 to 2 are damaged"), std::string::npos);
  const PartitionView view = partition_->view();
  EXPECT_EQ(view.health.code(), ION_E_CORRUPT);
  EXPECT_EQ(view.bad_from, Offset{0});
  EXPECT_EQ(view.bad_upto, Offset{2});
  close();
  EXPECT_TRUE(health_.report().reasons.empty());
}

TEST_F(PartitionTest, an_append_that_is_refused_for_damage_says_what_is_damaged) {
  open();
  log_->append_fails = Status(ION_E_CORRUPT, "cannot be read; read on from offset 2");
  log_->damaged = true;
  const auto p = produce(make_batch({"a"}));
  ASSERT_TRUE(p->status);
  EXPECT_EQ(p->status->code(), ION_E_CORRUPT);
  EXPECT_NE(p->status->message().find("damaged"), std::string::npos);
  EXPECT_EQ(p->status->message().find("read on"), std::string::npos);
  EXPECT_EQ(health_.report().reasons.size(), 1u);
}

TEST_F(PartitionTest, a_full_shard_queue_refuses_with_overloaded_and_nothing_happens) {
  open(Durability::kOs);
  executor_.full = true;
  const auto p = produce(make_batch({"a"}));
  ASSERT_TRUE(p->status);
  EXPECT_EQ(p->status->code(), ION_E_OVERLOADED);
  EXPECT_GT(p->error.retry_after_ns, 0u);
  EXPECT_TRUE(data_.batches.empty());
}

TEST_F(PartitionTest, a_fetch_that_was_cancelled_before_it_parks_does_not_wait) {
  open();
  std::atomic<bool> cancelled{true};
  Status ended;
  bool answered = false;
  ion_error_info error{};
  ion_fetch_answer answer{};
  answer.error = &error;
  const FetchRequest ask{{0}, 1, 1 << 20, clock_.now() + seconds(60), &cancelled};
  call([&](Op& op) { return partition_->fetch(op, ask, answer); },
       [&](const ion_result& r) { ended = Status::from(r.status, r.err), answered = true; });
  run();
  ASSERT_TRUE(answered);
  EXPECT_EQ(ended.code(), ION_E_CANCELLED);
}

}  // namespace
}  // namespace ion::partition
