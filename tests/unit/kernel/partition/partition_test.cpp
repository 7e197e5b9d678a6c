#include "partition_fixture.h"

#include <gtest/gtest.h>

#include <optional>

namespace ion::partition {
namespace {

using namespace ion::test;

// One answer to one request, as a transport would keep it.
struct Produced {
  std::vector<uint8_t> bytes;
  ion_buf part{};
  ion_error_info error{};
  ion_produce_answer answer{};
  std::optional<Status> status;
};
struct Fetched {
  ion_error_info error{};
  ion_fetch_answer answer{};
  std::optional<Status> status;
  std::string bytes;
};

const std::string kLarge(300 << 10, 'a');  // a start would read so much that a snapshot is worth it

class PartitionTest : public ::testing::Test {
 protected:
  PartitionTest() : metrics_(*PartitionMetrics::declare(registry_)) {}

  void open(Durability durability = Durability::kFsync) {
    auto log = std::make_unique<HandLog>(data_);
    log_ = log.get();
    state_ = nullptr;
    log_->damaged = damaged_;
    PartitionOptions seed;
    seed.name = "orders/0";
    seed.log_id = {77};
    seed.epoch = {3};
    seed.config.durability = durability;
    seed.log = std::move(log);
    const auto open_state = [this] {
      auto state = std::make_unique<HandLog>(state_bytes_);
      state_ = state.get();
      return state;
    };
    if (state_bytes_.next > Offset{0}) seed.state = open_state();
    seed.open_state = [open_state](LogOpened opened) { opened(std::unique_ptr<Log>(open_state())); };
    Partition::open({executor_, timers_, clock_, logger_, metrics_, health_, space_}, std::move(seed), [this](Result<PartitionPtr> opened) {
      ASSERT_TRUE(opened);
      partition_ = *opened;
    });
    run();
    ASSERT_NE(partition_, nullptr);
  }
  void run() { executor_.run_all(); }
  void pass(Nanos time) {
    clock_.move(time);
    timers_.fire_due();
    run();
  }

  // Kept until the end of the test: requests are borrowed until their completion.
  Produced* produce(std::vector<uint8_t> bytes, uint32_t acks = ION_ACKS_ALL) {
    Produced* const p = produced_.emplace_back(std::make_unique<Produced>()).get();
    p->bytes = std::move(bytes);
    p->part = borrowed(p->bytes);
    p->answer.error = &p->error;
    const auto header = batch::check(std::span<const ion_buf>(&p->part, 1), 1 << 20, batch::From::kClient);
    EXPECT_TRUE(header);
    Produced* const raw = p;
    call([&](Op& op) { return partition_->produce(op, *header, std::span<const ion_buf>(&raw->part, 1), acks, raw->answer); },
         [raw](const ion_result& r) { raw->status = Status::from(r.status, r.err); });
    run();
    return p;
  }
  std::unique_ptr<Fetched> fetch(int64_t offset, Nanos wait = {}, uint64_t bytes_min = 1, uint64_t op_id = 0) {
    auto f = std::make_unique<Fetched>();
    f->answer.error = &f->error;
    Fetched* raw = f.get();
    FetchRequest ask{{offset}, bytes_min, 1 << 20, wait.n == 0 ? Instant{} : clock_.now() + wait};
    CallOptions options;
    options.id = op_id;
    call(options, [&](Op& op) { return partition_->fetch(op, ask, raw->answer); },
         [raw](const ion_result& r) {
           Outcome o = Outcome::from(r);
           raw->status = o.status;
           for (const Buf& b : o.bufs) raw->bytes += b.text();
         });
    run();
    return f;
  }
  void close() {
    std::optional<Status> closed;
    partition_->close([&](Status s) { closed = s; });
    run();
    log_->finish_syncs();
    run();
    ASSERT_TRUE(closed);
    EXPECT_TRUE(closed->ok()) << closed->text();
    partition_.reset();
  }
  void disk_finishes(const Status& status = {}) {
    log_->finish_syncs(status);
    run();
  }

  void TearDown() override {
    if (partition_ == nullptr) return;
    executor_.full = false;
    partition_->close([](const Status&) {});  // also if a test has asked already: then it is refused
    for (int i = 0; i < 8; ++i) run(), log_->finish_syncs();
    run();
  }

  // The disk answers the sync that was asked first for no more than was asked.
  void disk_finishes_one() {
    auto waiting = std::exchange(log_->waiting, {});
    ASSERT_FALSE(waiting.empty());
    auto& [later, upto] = waiting.front();
    data_.durable = upto;
    later.ok(static_cast<uint64_t>(upto.v));
    run();
  }

  HandClock clock_;
  HandExecutor executor_;
  HandTimers timers_{clock_};
  QuietLogger logger_;
  observe::Health health_;
  Status space_there_;  // what the storage says when it is asked
  int space_asked_ = 0;
  SpaceWatch space_{{timers_, clock_, logger_, health_, {0}, [this](const std::function<void(Status)>& done) { ++space_asked_, done(space_there_); }}};
  observe::MetricRegistry registry_{1};
  PartitionMetrics metrics_;
  LogBytes data_, state_bytes_;
  HandLog *log_ = nullptr, *state_ = nullptr;
  bool damaged_ = false;
  std::vector<std::unique_ptr<Produced>> produced_;
  PartitionPtr partition_;
};

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

TEST_F(PartitionTest, a_failed_sync_is_never_retried_and_never_acknowledged) {
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

TEST_F(PartitionTest, an_append_that_ends_after_a_failed_sync_is_answered_like_those_before_it) {
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

TEST_F(PartitionTest, a_sync_that_was_refused_is_asked_again_and_loses_nothing) {
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

TEST_F(PartitionTest, a_sync_without_space_acknowledges_nothing_and_goes_on_by_itself) {
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

TEST_F(PartitionTest, a_close_does_not_wait_for_space) {
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

TEST_F(PartitionTest, a_full_disk_is_answered_at_once_also_to_what_follows_and_ends_by_itself) {
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
  EXPECT_NE(p->status->message().find("`ion topic describe`"), std::string::npos);
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

TEST_F(PartitionTest, closing_answers_who_waits_and_refuses_who_comes) {
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
