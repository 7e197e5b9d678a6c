#include "cluster/controller.h"

#include <gtest/gtest.h>

#include <optional>

#include "support/recording_log.h"
#include "unit/kernel/partition/partition_fixture.h"

namespace ion::cluster {
namespace {

using namespace ion::test;

class CountingRandom final : public Random {
 public:
  uint64_t u64() override { return ++last_; }
  Status secret(void*, uint64_t) override { return {ION_E_UNSUPPORTED, "not in this test"}; }

 private:
  uint64_t last_ = 0;
};

// A metadata group under the test's hand: what is proposed is committed when the test says so.
struct HandGroups {
  struct Proposal {
    Later later;
    std::vector<uint8_t> command;
  };
  Machine* machine = nullptr;
  std::vector<Proposal> proposed;
  uint64_t index = 0, term = 5;
  Status refuses;

  void entry(std::vector<uint8_t> command, uint64_t of_term) {
    const Entry e{++index, of_term, command};
    machine->apply(std::span<const Entry>(&e, 1));
  }
  void commit() {
    for (Proposal& p : std::exchange(proposed, {})) entry(p.command, term), p.later.ok(index, term);
  }
};
class HandGroup final : public Group {
 public:
  explicit HandGroup(HandGroups& all) : all_(all) {}
  Answer close(Op& op) override { return op.ok(); }
  Answer propose(Op& op, std::span<const ion_buf> parts) override {
    if (!all_.refuses.ok()) return op.refuse(all_.refuses);
    std::vector<uint8_t> bytes(bytes_in(parts));
    copy_out(parts, 0, bytes.size(), bytes.data());
    all_.proposed.push_back({op.later(), std::move(bytes)});
    return op.pending();
  }
  Answer read_barrier(Op& op) override { return op.ok(); }
  Answer transfer(Op& op, NodeId) override { return op.ok(); }
  Answer change(Op& op, std::span<const ion_member>) override { return op.ok(); }
  Answer join(Op& op, std::span<const ion_bytes>) override { return op.ok(); }
  GroupStat stat() override { return {}; }

 private:
  HandGroups& all_;
};
class HandConsensus final : public Consensus {
 public:
  explicit HandConsensus(HandGroups& all) : all_(all) {}
  uint32_t caps() const override { return 0; }
  Answer open(Op& op, const GroupSpec& spec, std::unique_ptr<Group>* out) override {
    all_.machine = spec.machine;
    for (const auto& command : replayed) all_.entry(command, 1);
    all_.machine->role(ION_ROLE_LEADER, all_.term, {1});
    *out = std::make_unique<HandGroup>(all_);
    return op.ok();
  }
  std::vector<std::vector<uint8_t>> replayed;  // what the log holds at start

 private:
  HandGroups& all_;
};

// Frees the disk of a HandGroups as long as it is lent.
class HandReserve final : public DeleteReserve {
 public:
  explicit HandReserve(HandGroups& group) : group_(group) {}
  void lend(std::function<void()> lent) override {
    ++lends, ++out;
    if (helps) group_.refuses = {};
    lent();
  }
  void put_back() noexcept override { --out; }
  int lends = 0, out = 0;
  bool helps = true;

 private:
  HandGroups& group_;
};

class ControllerTest : public ::testing::Test, public ControllerObserver {
 protected:
  void topic_created(TopicPtr t) override { told_.push_back("+" + t->name); }
  void topic_altered(TopicPtr t) override { told_.push_back("~" + t->name); }
  void topic_deleted(TopicPtr t) override { told_.push_back("-" + t->name); }

  void open(ClusterLimits limits = {}) {
    controller_.emplace(ControllerServices{executor_, timers_, clock_, logger_, random_, nullptr, {1}, {0}, limits, {}, health_, space_, false, &reserve_}, *this);
    std::optional<Status> opened;
    controller_->open(consensus_, {}, [&](Status s) { opened = s; });
    run();
    ASSERT_TRUE(opened && opened->ok()) << opened->text();
  }
  using Answered = std::shared_ptr<std::optional<Result<TopicPtr>>>;
  Answered create(std::string name, uint32_t partitions = 1) {
    auto answered = std::make_shared<std::optional<Result<TopicPtr>>>();
    NewTopic topic;
    topic.name = std::move(name), topic.partitions = partitions;
    controller_->create_topic(topic, [answered](Result<TopicPtr> made) { *answered = std::move(made); });
    run();
    return answered;
  }
  Answered erase(std::string name) {
    auto answered = std::make_shared<std::optional<Result<TopicPtr>>>();
    controller_->delete_topic(std::move(name), [answered](Result<TopicPtr> gone) { *answered = std::move(gone); });
    run();
    return answered;
  }
  Answered alter(TopicChange change) {
    auto answered = std::make_shared<std::optional<Result<TopicPtr>>>();
    controller_->alter_topic(std::move(change), [answered](Result<TopicPtr> done) { *answered = std::move(done); });
    run();
    return answered;
  }
  void commit() { group_.commit(), run(); }
  void run() { executor_.run_all(); }
  static std::string reason(const Answered& a) { return !a->has_value() ? "no answer" : **a ? "" : (**a).error().reason(); }

  HandClock clock_;
  HandExecutor executor_;
  HandTimers timers_{clock_};
  RecordingLog logger_;
  CountingRandom random_;
  observe::Health health_;
  partition::SpaceWatch space_{{timers_, clock_, logger_, health_, {0}, [](const std::function<void(Status)>& done) { done({}); }}};
  HandGroups group_;
  HandConsensus consensus_{group_};
  HandReserve reserve_{group_};
  std::vector<std::string> told_;
  std::optional<Controller> controller_;
};

TEST_F(ControllerTest, a_topic_is_answered_when_it_is_committed) {
  open();
  const Answered a = create("orders", 3);
  EXPECT_FALSE(a->has_value());
  commit();
  ASSERT_TRUE(a->has_value() && **a);
  EXPECT_EQ((**a).value()->partitions.size(), 3u);
  EXPECT_EQ(told_, std::vector<std::string>{"+orders"});
}

TEST_F(ControllerTest, compaction_is_refused_where_the_storage_cannot_replace_parts_of_a_log) {
  open();
  NewTopic topic;
  topic.name = "prices", topic.partitions = 1, topic.config = {{"cleanup.policy", "compact"}};
  std::optional<Status> refused;
  controller_->create_topic(topic, [&](Result<TopicPtr> made) { refused = made ? Status() : made.error(); });
  run();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->code(), ION_E_UNSUPPORTED);
  EXPECT_NE(refused->message().find("cannot replace parts of a log"), std::string::npos) << refused->message();
}

TEST_F(ControllerTest, limits_hold_for_changes_that_are_on_their_way_together) {
  open({2, 10});
  std::vector<Answered> all;
  for (const char* name : {"a", "b", "c"}) all.push_back(create(name, 4));
  commit();
  EXPECT_EQ(reason(all[0]), "");
  EXPECT_EQ(reason(all[1]), "");
  EXPECT_EQ(reason(all[2]), "TOO_MANY_TOPICS");
  EXPECT_EQ(told_, (std::vector<std::string>{"+a", "+b"}));
}

TEST_F(ControllerTest, partitions_that_pass_the_limit_together_are_refused_and_leave_nothing) {
  open({10, 10});
  const Answered a = create("a", 6), b = create("b", 6);
  commit();
  EXPECT_EQ(reason(a), "");
  EXPECT_EQ(reason(b), "TOO_MANY_PARTITIONS");
  EXPECT_EQ(told_, std::vector<std::string>{"+a"});
  const Answered c = create("c", 4);
  commit();
  EXPECT_EQ(reason(c), "");
}

TEST_F(ControllerTest, a_topic_that_needs_more_descriptors_than_there_are_is_refused_before_it_is_committed_with_both_numbers) {
  open({10, 10'000, 768});
  create("a", 100);
  commit();
  const Answered wide = create("wide", 700);
  EXPECT_EQ(reason(wide), "TOO_FEW_DESCRIPTORS");
  EXPECT_NE((**wide).error().message().find("need 800 open files"), std::string::npos);
  EXPECT_NE((**wide).error().message().find("may hold 768"), std::string::npos);
  EXPECT_TRUE(group_.proposed.empty());
}

TEST_F(ControllerTest, a_topic_that_needs_more_maps_of_files_than_there_are_is_refused_before_it_is_committed_with_both_numbers) {
  open({10, 10'000, UINT64_MAX, 300});
  create("a", 100);
  commit();
  const Answered wide = create("wide", 60);
  EXPECT_EQ(reason(wide), "TOO_FEW_MAPS");
  EXPECT_NE((**wide).error().message().find("need 320 maps of files"), std::string::npos) << (**wide).error().message();
  EXPECT_NE((**wide).error().message().find("may hold 300"), std::string::npos);
  EXPECT_TRUE(group_.proposed.empty());
  const Answered narrow = create("narrow", 50);
  commit();
  EXPECT_EQ(reason(narrow), "");
}

TEST_F(ControllerTest, entries_of_another_term_are_no_answer_to_a_proposal_with_their_index) {
  open();
  const Answered a = create("mine");
  CreateTopic foreign;
  foreign.topic.name = "foreign";
  foreign.topic.uuid = Uuid::random(9, 9);
  foreign.topic.partitions.resize(1);
  group_.entry(encode(foreign), group_.term - 1);
  commit();
  ASSERT_EQ(reason(a), "");
  EXPECT_EQ((**a).value()->name, "mine");
  EXPECT_EQ(told_, (std::vector<std::string>{"+foreign", "+mine"}));
}

TEST_F(ControllerTest, a_kind_of_a_later_version_is_passed_over_and_said) {
  consensus_.replayed = {{1, 99, 1, 2, 3}, encode(ReserveProducers{10})};
  open();
  ASSERT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_NE(health_.report().reasons[0].words.find("99"), std::string::npos);
  EXPECT_EQ(logger_.count("passed over"), 1u);
  const Answered a = create("a");
  commit();
  EXPECT_EQ(reason(a), "");
  EXPECT_EQ(health_.report().reasons.size(), 1u);
}

TEST_F(ControllerTest, behind_a_command_of_a_later_format_topics_are_served_and_changes_refused) {
  CreateTopic there;
  there.topic.name = "there";
  there.topic.uuid = Uuid::random(9, 9);
  there.topic.partitions.resize(1);
  consensus_.replayed = {encode(there), {2, 1, 0}};
  open();
  size_t topics = 0;
  controller_->inspect([&](const MetadataMachine& m) { topics = m.topics().size(); });
  run();
  EXPECT_EQ(topics, 1u);
  const Answered a = create("a");
  ASSERT_TRUE(a->has_value() && !**a);
  EXPECT_EQ((**a).error().code(), ION_E_UNSUPPORTED);
}

TEST_F(ControllerTest, a_full_disk_is_answered_at_once_and_is_a_reason_until_space_is_back) {
  open();
  group_.refuses = Status(ION_E_NO_SPACE, "the disk is full");
  const Answered a = create("a");
  ASSERT_TRUE(a->has_value() && !**a);
  EXPECT_EQ((**a).error().code(), ION_E_NO_SPACE);
  EXPECT_FALSE(health_.takes_writes());
  group_.refuses = {};
  clock_.move(partition::SpaceWatch::kAskEvery), timers_.fire_due(), run();
  EXPECT_TRUE(health_.report().reasons.empty());  // without a change of any topic
  const Answered b = create("a");
  commit();
  EXPECT_EQ(reason(b), "");
}

TEST_F(ControllerTest, a_delete_on_a_full_disk_gets_the_reserve_and_gives_it_back_when_it_is_committed) {
  open();
  (void)create("a"), commit();
  group_.refuses = Status(ION_E_NO_SPACE, "the disk is full");
  const Answered gone = erase("a");
  EXPECT_EQ(reserve_.lends, 1);
  EXPECT_EQ(reserve_.out, 1) << "not before it is durable";
  commit();
  ASSERT_TRUE(gone->has_value() && **gone) << (**gone).error().text();
  EXPECT_EQ(reserve_.out, 0);
  EXPECT_EQ(told_, (std::vector<std::string>{"+a", "-a"}));
}

TEST_F(ControllerTest, a_change_of_what_is_kept_gets_the_reserve_whichever_way_it_is_made) {
  open();
  (void)create("a"), commit();
  TopicChange set, back, other;
  set.name = back.name = other.name = "a";
  set.set["retention.ms"] = "60000", back.unset = {"retention.ms"}, other.set["segment.ms"] = "60000";
  int lends = 0;
  for (const TopicChange& change : {set, back}) {
    group_.refuses = Status(ION_E_NO_SPACE, "the disk is full");
    const Answered altered = alter(change);
    EXPECT_EQ(reserve_.lends, ++lends);
    commit();
    EXPECT_EQ(reason(altered), "");
    EXPECT_EQ(reserve_.out, 0);
  }
  group_.refuses = Status(ION_E_NO_SPACE, "the disk is full");
  (void)alter(other);
  EXPECT_EQ(reserve_.lends, lends);
}

TEST_F(ControllerTest, a_delete_that_finds_no_space_in_the_reserve_either_is_answered) {
  open();
  (void)create("a"), commit();
  reserve_.helps = false;
  group_.refuses = Status(ION_E_NO_SPACE, "the disk is full");
  const Answered gone = erase("a");
  ASSERT_TRUE(gone->has_value() && !**gone);
  EXPECT_EQ((**gone).error().code(), ION_E_NO_SPACE);
  EXPECT_EQ(reserve_.lends, 1);
  EXPECT_EQ(reserve_.out, 0);
}

TEST_F(ControllerTest, nothing_but_a_delete_gets_the_reserve) {
  open();
  group_.refuses = Status(ION_E_NO_SPACE, "the disk is full");
  (void)create("b");
  controller_->reserve_producers(10, [](const Result<int64_t>&) {});
  run();
  EXPECT_EQ(reserve_.lends, 0);
}

TEST_F(ControllerTest, a_metadata_log_that_failed_is_a_reason_and_the_broker_serves_on) {
  open();
  group_.refuses = Status(ION_E_FAILED, "group metadata takes no more");
  (void)create("a");
  ASSERT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_EQ(health_.report().reasons[0].part, "metadata");
  EXPECT_TRUE(health_.takes_writes());
}

}  // namespace
}  // namespace ion::cluster
