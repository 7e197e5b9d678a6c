#include "io/single_group.h"

#include "support/hand_world.h"
#include "support/recording_log.h"

#include <ion/record_writer.h>

#include <gtest/gtest.h>

#include <optional>

namespace ion::consensus_single {
namespace {

using namespace ion::test;

// The storage of one log.
class OneLog final : public Storage {
 public:
  uint32_t caps() const override { return 0; }
  Answer open(Op& op, std::string_view, const OpenOptions&, std::unique_ptr<Log>* out) override {
    auto log = std::make_unique<HandLog>(bytes);
    now = log.get();
    now->gone = [this] { now = nullptr; };
    now->append_fails = append_fails, now->meta_fails = meta_fails, now->damaged = damaged, now->apart = true;
    *out = std::move(log);
    return op.ok();
  }
  Answer list(Op& op, std::string_view, EachName) override { return op.ok(); }
  Answer remove(Op& op, std::string_view) override { return op.ok(); }
  Result<Uuid> identity() override { return Uuid{}; }

  LogBytes bytes;
  HandLog* now = nullptr;
  Status append_fails, meta_fails;  // from the opening on
  bool damaged = false;
};
class Applied final : public Machine {
 public:
  void apply(std::span<const Entry> entries) override {
    for (const Entry& e : entries) list.push_back(std::to_string(e.index) + ":" + std::string(text_of(e.command)));
  }
  void role(ion_role, uint64_t, NodeId) override {}
  Answer snapshot(Op& op, uint64_t) override { return op.ok(); }
  Answer restore(Op& op, uint64_t, uint64_t, std::span<const ion_buf>) override { return op.ok(); }
  std::vector<std::string> list;
};

class SingleGroupTest : public ::testing::Test {
 protected:
  SingleGroupTest() { storage_->bytes.first = storage_->bytes.next = storage_->bytes.durable = Offset{1}; }

  void open() {
    GroupSpec spec;
    spec.name = "metadata", spec.node = {1}, spec.machine = &machine_;
    SingleGroup::open({executor_, timers_, clock_, logger_, 16}, storage_, spec, [this](Result<std::shared_ptr<SingleGroup>> opened) {
      ASSERT_TRUE(opened) << opened.error().text();
      group_ = *opened;
    });
    settle();
    ASSERT_NE(group_, nullptr);
  }
  void settle() {
    executor_.run_all();
    while (storage_->now != nullptr && !storage_->now->waiting.empty()) storage_->now->finish_syncs(), executor_.run_all();
  }
  void pass(Nanos time) {
    clock_.move(time);
    timers_.fire_due();
    settle();
  }
  // Why it could not be opened; the log is closed then.
  Status refused() {
    GroupSpec spec;
    spec.name = "metadata", spec.node = {1}, spec.machine = &machine_;
    std::optional<Status> why;
    bool closed_before = false;
    SingleGroup::open({executor_, timers_, clock_, logger_, 16}, storage_, spec, [&](Result<std::shared_ptr<SingleGroup>> opened) {
      why = opened ? Status() : opened.error();
      closed_before = storage_->now->closed;
    });
    settle();
    EXPECT_TRUE(closed_before);
    return why.value_or(Status(ION_E_BUSY, "no answer"));
  }
  void put(uint64_t index, bool with_command) {
    batch::RecordWriter writer(64);
    batch::NewRecord record;
    if (with_command) record.value = span_of("command");
    writer.append(record);
    std::vector<uint8_t> bytes = writer.finish();
    batch::write_prefix(bytes.data(), Offset{static_cast<int64_t>(index)}, batch::read_header(bytes.data()).length, Epoch{1});
    const batch::Header header = batch::read_header(bytes.data());
    storage_->bytes.next = header.next_offset();
    storage_->bytes.batches.emplace_back(header, std::move(bytes));
  }
  using Answered = std::shared_ptr<std::optional<Status>>;
  Answered propose(std::string command) {
    auto kept = std::make_shared<std::string>(std::move(command));
    auto answered = std::make_shared<std::optional<Status>>();
    const ion_buf part = borrowed(span_of(*kept));
    call([&](Op& op) { return group_->propose(op, std::span<const ion_buf>(&part, 1)); },
         [answered, kept](const ion_result& r) { *answered = Status::from(r.status, r.err); });
    return answered;
  }
  static Code code(const Answered& a) { return a->has_value() ? (**a).code() : ION_PENDING; }
  void TearDown() override {
    if (group_ == nullptr) return;
    bool closed = false;
    call([&](Op& op) { return group_->close(op); }, [&](const ion_result&) { closed = true; });
    settle();
    EXPECT_TRUE(closed);
  }

  HandClock clock_;
  HandExecutor executor_;
  HandTimers timers_{clock_};
  RecordingLog logger_;
  Applied machine_;
  const std::shared_ptr<OneLog> storage_ = std::make_shared<OneLog>();
  std::shared_ptr<SingleGroup> group_;
};
const Status kFull(ION_E_NO_SPACE, "the disk is full");

TEST_F(SingleGroupTest, a_full_disk_is_answered_at_once_and_the_group_recovers_by_itself) {
  open();
  storage_->now->append_fails = kFull;
  const Answered refused = propose("a");
  settle();
  EXPECT_EQ(code(refused), ION_E_NO_SPACE);
  storage_->now->append_fails = {};
  const Answered taken = propose("b");
  settle();
  EXPECT_EQ(code(taken), ION_OK);
  EXPECT_EQ(machine_.list, std::vector<std::string>{"1:b"});
  EXPECT_EQ(logger_.count("takes no entries now"), 1u);
  EXPECT_EQ(logger_.count("takes entries again"), 1u);
}

TEST_F(SingleGroupTest, what_waits_behind_a_refused_entry_is_answered_too_and_what_was_before_it_is_applied) {
  open();
  const Answered first = propose("a");
  executor_.run_all();  // appended, its sync waits
  storage_->now->hold_appends = true;
  const Answered second = propose("b"), third = propose("c");
  executor_.run_all();
  storage_->now->fail_held_appends(Status(ION_E_OVERLOADED, "the queue of the storage is full"));
  settle();
  EXPECT_EQ(code(first), ION_OK);
  EXPECT_EQ(code(second), ION_E_OVERLOADED);
  EXPECT_EQ(code(third), ION_E_OVERLOADED);
  EXPECT_EQ(machine_.list, std::vector<std::string>{"1:a"});
}

TEST_F(SingleGroupTest, a_sync_that_was_refused_is_asked_again) {
  open();
  const Answered a = propose("a");
  executor_.run_all();
  storage_->now->finish_syncs(Status(ION_E_OVERLOADED, "the queue of the storage is full"));
  executor_.run_all();
  EXPECT_EQ(code(a), ION_PENDING);
  clock_.move(milliseconds(2));
  timers_.fire_due();
  settle();
  EXPECT_EQ(code(a), ION_OK);
}

TEST_F(SingleGroupTest, a_group_opens_on_a_full_disk_and_each_proposal_gets_the_answer_of_its_own_try) {
  storage_->meta_fails = kFull;
  open();
  const Answered a = propose("a"), b = propose("b");
  settle();
  EXPECT_EQ(code(a), ION_E_NO_SPACE);
  EXPECT_EQ(code(b), ION_E_NO_SPACE);
  EXPECT_NE((**a).message().find("the disk is full"), std::string::npos) << (**a).text();
  storage_->now->meta_fails = {};
  const Answered c = propose("c"), d = propose("d");
  settle();
  EXPECT_EQ(code(c), ION_OK);
  EXPECT_EQ(code(d), ION_OK);
  EXPECT_EQ(machine_.list, (std::vector<std::string>{"1:c", "2:d"}));
}

TEST_F(SingleGroupTest, a_term_that_found_no_space_is_written_by_itself_when_there_is_some) {
  storage_->meta_fails = kFull;
  open();
  for (int i = 0; i < 30; ++i) pass(seconds(1));
  EXPECT_EQ(storage_->now->meta_puts, 31);
  EXPECT_EQ(logger_.count("takes no entries now"), 1u);
  storage_->now->meta_fails = {};
  pass(seconds(1));
  EXPECT_EQ(logger_.count("takes entries again"), 1u);
  EXPECT_EQ(storage_->now->meta_puts, 32);
  pass(seconds(60));
  EXPECT_EQ(storage_->now->meta_puts, 32) << "it is written";
}

TEST_F(SingleGroupTest, a_term_that_fails_otherwise_is_told_to_who_proposes) {
  storage_->meta_fails = kFull;
  open();
  storage_->now->meta_fails = Status(ION_E_FAILED, "not known which of two files is there");
  const Answered a = propose("a");
  settle();
  EXPECT_EQ(code(a), ION_E_FAILED);
  EXPECT_NE((**a).message().find("which of two files"), std::string::npos) << (**a).text();
}

TEST_F(SingleGroupTest, a_group_that_closes_writes_no_term_any_more) {
  storage_->meta_fails = kFull;
  open();
  bool closed = false;
  call([&](Op& op) { return group_->close(op); }, [&](const ion_result&) { closed = true; });
  settle();
  EXPECT_TRUE(closed);
  EXPECT_EQ(timers_.armed(), 0u);
  group_.reset();
}

TEST_F(SingleGroupTest, a_sync_without_space_answers_nothing_and_goes_on_by_itself) {
  open();
  const Answered a = propose("a");
  executor_.run_all();
  for (int i = 0; i < 20; ++i) {
    storage_->now->finish_syncs(kFull);
    executor_.run_all();
    EXPECT_EQ(code(a), ION_PENDING);
    EXPECT_EQ(code(propose("b")), ION_E_NO_SPACE);
    clock_.move(seconds(1));
    timers_.fire_due();
    executor_.run_all();
  }
  EXPECT_EQ(storage_->now->syncs, 21);
  EXPECT_TRUE(machine_.list.empty());
  settle();
  EXPECT_EQ(code(a), ION_OK);
  const Answered c = propose("c");
  settle();
  EXPECT_EQ(code(c), ION_OK);
  EXPECT_EQ(machine_.list, (std::vector<std::string>{"1:a", "2:c"}));
  EXPECT_EQ(logger_.count("takes no entries now"), 1u);
  EXPECT_EQ(logger_.count("takes entries again"), 1u);
}

TEST_F(SingleGroupTest, a_retry_that_comes_after_the_group_failed_asks_nothing_of_its_log) {
  open();
  const Answered a = propose("a");
  executor_.run_all();
  storage_->now->hold_appends = true;
  const Answered b = propose("b");
  executor_.run_all();
  storage_->now->finish_syncs(kFull);
  executor_.run_all();  // it will be asked again
  storage_->now->fail_held_appends(Status(ION_E_IO, "a bad sector"));
  executor_.run_all();
  EXPECT_NE(code(b), ION_OK);
  const auto syncs = storage_->now->syncs;
  clock_.move(seconds(1));
  timers_.fire_due();
  executor_.run_all();
  EXPECT_EQ(storage_->now->syncs, syncs);
}

TEST_F(SingleGroupTest, a_close_does_not_wait_for_space) {
  open();
  const Answered a = propose("a");
  executor_.run_all();
  storage_->now->finish_syncs(kFull);
  executor_.run_all();
  bool closed = false;
  call([&](Op& op) { return group_->close(op); }, [&](const ion_result&) { closed = true; });
  executor_.run_all();
  clock_.move(seconds(1));
  timers_.fire_due();
  executor_.run_all();
  storage_->now->finish_syncs(kFull);
  executor_.run_all();
  EXPECT_TRUE(closed);
  EXPECT_EQ(code(a), ION_E_UNKNOWN_OUTCOME);
  group_.reset();
}

TEST_F(SingleGroupTest, a_log_that_cannot_be_replayed_is_applied_up_to_the_fault_and_closed_again) {
  put(1, true), put(2, false), put(3, true);
  EXPECT_NE(refused().message().find("entry 2 holds no command"), std::string::npos);
  EXPECT_EQ(machine_.list, std::vector<std::string>{"1:command"});
}

TEST_F(SingleGroupTest, a_group_that_does_not_open_leaves_its_log_alone_until_the_term_under_way_has_ended) {
  put(1, true);
  storage_->meta_fails = kFull;  // so the term is tried again
  GroupSpec spec;
  spec.name = "metadata", spec.node = {1}, spec.machine = &machine_;
  std::optional<Status> why;
  SingleGroup::open({executor_, timers_, clock_, logger_, 16}, storage_, spec,
                    [&](Result<std::shared_ptr<SingleGroup>> opened) { why = opened ? Status() : opened.error(); });
  executor_.run_all();
  ASSERT_EQ(storage_->now->waiting.size(), 1u) << "the replay waits for its sync";
  storage_->now->hold_meta_after = storage_->now->meta_puts;
  clock_.move(seconds(1));
  timers_.fire_due();
  executor_.run_all();
  ASSERT_TRUE(storage_->now->held_meta) << "the term is tried again";
  storage_->now->finish_syncs(Status(ION_E_IO, "the disk is broken"));
  executor_.run_all();
  EXPECT_FALSE(why) << "before the term has ended";
  EXPECT_FALSE(storage_->now->closed);
  std::exchange(storage_->now->held_meta, {}).fail(kFull);
  executor_.run_all();
  ASSERT_TRUE(why);
  EXPECT_EQ(timers_.armed(), 0u) << "nobody is left for it";
  EXPECT_EQ(storage_->now, nullptr) << "closed and gone";
}

TEST_F(SingleGroupTest, a_log_is_closed_again_whatever_kept_the_group_from_opening) {
  storage_->damaged = true;
  EXPECT_EQ(refused().code(), ION_E_CORRUPT);
  storage_->damaged = false;
  storage_->meta_fails = Status(ION_E_IO, "the disk is broken");
  EXPECT_EQ(refused().code(), ION_E_IO);
}

TEST_F(SingleGroupTest, any_other_failed_append_ends_the_group) {
  open();
  storage_->now->append_fails = Status(ION_E_IO, "the disk is broken");
  const Answered a = propose("a");
  settle();
  EXPECT_EQ(code(a), ION_E_UNKNOWN_OUTCOME);
  EXPECT_EQ(code(propose("b")), ION_E_FAILED);
}

}  // namespace
}  // namespace ion::consensus_single
