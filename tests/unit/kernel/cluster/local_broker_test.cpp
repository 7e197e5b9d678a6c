#include "cluster/local_broker.h"

#include "support/hand_world.h"
#include "support/recording_log.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace ion::cluster {
namespace {

using namespace ion::test;

// A storage whose openings complete when the test says so.
class HandStorage final : public Storage {
 public:
  uint32_t caps() const override { return 0; }
  Answer open(Op& op, std::string_view name, const OpenOptions& options, std::unique_ptr<Log>* out) override {
    const std::string log(name);
    if (options.existing && !logs.contains(log)) return op.refuse(Status(ION_E_NOT_FOUND, "there is no log " + log));
    if (hold_opens) {
      held.push_back({op.later(), log, out});
      held_max = std::max(held_max, held.size());
      return op.pending();
    }
    opened.push_back(log);
    if (const auto why = fails.find(log); why != fails.end()) return op.refuse(why->second);
    *out = std::make_unique<HandLog>(logs[log]);
    return op.ok();
  }
  void release() {
    for (auto& [later, log, out] : std::exchange(held, {})) opened.push_back(log), *out = std::make_unique<HandLog>(logs[log]), later.ok();
  }
  Answer list(Op& op, std::string_view prefix, EachName each) override {
    for (const auto& [name, log] : logs)
      if (name.starts_with(prefix)) each(name, 0);
    return op.ok();
  }
  Answer remove(Op& op, std::string_view name) override {
    if (logs.erase(std::string(name)) == 0) return op.refuse(Status(ION_E_NOT_FOUND, "there is no log"));
    return removed.insert(std::string(name)), op.ok();
  }
  Result<Uuid> identity() override { return Uuid{}; }

  struct Held {
    Later later;
    std::string log;
    std::unique_ptr<Log>* out;
  };
  std::map<std::string, LogBytes> logs;
  std::map<std::string, Status> fails;
  std::vector<std::string> opened;
  std::set<std::string> removed;
  std::vector<Held> held;
  size_t held_max = 0;
  bool hold_opens = false;
};

class LocalBrokerTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kDescriptors = 250;
  static constexpr Nanos kPauseMax = seconds(3);
  LocalBrokerTest()
      : metrics_(*partition::PartitionMetrics::declare(registry_)),
        local_({{executor_, timers_, clock_, logger_, metrics_, health_, space_}, storage_, view_, {1}, {}, kDescriptors, kPauseMax}),
        controller_({executor_, timers_, clock_, logger_, random_, nullptr, {1}, {0}, {}, {}, health_, space_, false}, local_) {}

  static CreateTopic made(std::string name, size_t partitions, uint64_t id = 1) {
    CreateTopic c;
    c.topic.name = std::move(name), c.topic.uuid = Uuid::random(id, id);
    c.topic.partitions.resize(partitions);
    return c;
  }
  TopicPtr create(std::string name, size_t partitions, uint64_t id = 1) {
    TopicPtr topic = machine_.apply(made(std::move(name), partitions, id))->created;
    local_.topic_created(topic);
    run();
    return topic;
  }
  // As after a replay of these commands.
  Status start(std::initializer_list<Command> commands = {}) {
    std::optional<Status> inspected, started;
    local_.inspect_storage([&](Status s) { inspected = s; });
    run();
    if (!inspected->ok()) return *inspected;
    uint64_t index = 0;
    for (const Command& c : commands) {
      const auto bytes = encode(c);
      const Entry entry{++index, 1, bytes};
      controller_.apply(std::span<const Entry>(&entry, 1));
    }
    local_.start(controller_, [&](Status s) { started = s; });
    run();
    return started.value_or(Status(ION_E_BUSY, "not started yet"));
  }
  const ServedPartition& served(std::string_view topic, size_t partition) { return view_.find(topic)->partitions[partition]; }
  void run() { executor_.run_all(); }
  void TearDown() override {
    if (stopped_already_) return;
    std::optional<Status> stopped;
    storage_.hold_opens = false, storage_.release(), run();
    local_.stop([&](Status s) { stopped = s; });
    for (int i = 0; i < 4; ++i) run();
    EXPECT_TRUE(stopped && stopped->ok());
    clock_.move(partition::SpaceWatch::kAskEvery), timers_.fire_due();
    EXPECT_EQ(timers_.armed(), 0u);
  }

  class SameRandom final : public Random {
   public:
    uint64_t u64() override { return 1; }
    Status secret(void*, uint64_t) override { return {}; }
  };
  HandClock clock_;
  HandExecutor executor_;
  HandTimers timers_{clock_};
  RecordingLog logger_;
  SameRandom random_;
  observe::Health health_;
  partition::SpaceWatch space_{{timers_, clock_, logger_, health_, {0}, [](const std::function<void(Status)>& done) { done({}); }}};
  observe::MetricRegistry registry_{1};
  partition::PartitionMetrics metrics_;
  HandStorage storage_;
  MetadataView view_;
  MetadataMachine machine_;
  LocalBroker local_;
  Controller controller_;
  bool stopped_already_ = false;
};

TEST_F(LocalBrokerTest, a_topic_is_published_at_once_and_its_partitions_say_that_they_are_being_opened) {
  storage_.hold_opens = true;
  const TopicPtr topic = create("orders", 2);
  ASSERT_NE(view_.find("orders"), nullptr);
  EXPECT_EQ(served("orders", 1).get(), nullptr);
  EXPECT_EQ(served("orders", 1).why().reason(), "NOT_READY");
  EXPECT_EQ(served("orders", 1).health(), ION_E_CLOSED);
  storage_.release(), run();
  EXPECT_NE(served("orders", 1).get(), nullptr);
  EXPECT_EQ(served("orders", 1).health(), ION_OK);
}

TEST_F(LocalBrokerTest, who_made_a_topic_is_answered_when_it_is_open_or_half_a_second_later) {
  storage_.hold_opens = true;
  const TopicPtr topic = create("orders", 2);
  int answers = 0;
  local_.when_open(topic, [&] { ++answers; });
  run();
  EXPECT_EQ(answers, 0);
  clock_.move(milliseconds(501)), timers_.fire_due(), run();
  EXPECT_EQ(answers, 1);
  local_.when_open(topic, [&] { ++answers; });
  run();
  storage_.release(), run();
  EXPECT_EQ(answers, 2);
  clock_.move(seconds(1)), timers_.fire_due(), run();
  EXPECT_EQ(answers, 2);
}

TEST_F(LocalBrokerTest, a_new_partition_has_no_state_log_and_a_bounded_number_is_opened_at_once) {
  storage_.hold_opens = true;
  create("wide", 200);
  while (!storage_.held.empty()) storage_.release(), run();
  EXPECT_EQ(storage_.opened.size(), 200u);
  EXPECT_LE(storage_.held_max, 32u);
  for (const std::string& log : storage_.opened) EXPECT_TRUE(log.starts_with("p/")) << log;
}

TEST_F(LocalBrokerTest, attempts_to_open_a_partition_come_after_growing_pauses_up_to_the_one_that_is_set) {
  const std::string bad = data_log(Uuid::random(1, 1), {0});
  storage_.fails.emplace(bad, Status(ION_E_IO, "a bad sector"));
  ASSERT_TRUE(start({made("orders", 1)}).ok());
  std::vector<int64_t> at;
  const auto attempts = [&] { return std::count(storage_.opened.begin(), storage_.opened.end(), bad); };
  for (int64_t second = 1; second <= 12; ++second) {
    const auto before = attempts();
    clock_.move(seconds(1)), timers_.fire_due(), run();
    if (attempts() > before) at.push_back(second);
  }
  EXPECT_EQ(at, (std::vector<int64_t>{1, 3, 6, 9, 12}));
}

TEST_F(LocalBrokerTest, a_partition_that_cannot_be_opened_is_named_and_tried_again_while_the_others_are_served) {
  const std::string log = data_log(Uuid::random(1, 1), {1});
  storage_.fails[log] = Status(ION_E_IO, "too many open files");
  ASSERT_TRUE(start({made("orders", 2)}).ok());
  EXPECT_NE(served("orders", 0).get(), nullptr);
  EXPECT_EQ(served("orders", 1).why().reason(), "NOT_READY");
  EXPECT_NE(served("orders", 1).why().message().find("too many open files"), std::string::npos);
  EXPECT_EQ(served("orders", 1).health(), ION_E_IO);
  ASSERT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_NE(health_.report().reasons[0].words.find("orders/1 (too many open files)"), std::string::npos);

  clock_.move(milliseconds(1001)), timers_.fire_due(), run();
  EXPECT_EQ(std::count(storage_.opened.begin(), storage_.opened.end(), log), 2);
  clock_.move(milliseconds(1001)), timers_.fire_due(), run();
  EXPECT_EQ(std::count(storage_.opened.begin(), storage_.opened.end(), log), 2);  // the second wait is twice as long
  storage_.fails.clear();
  clock_.move(milliseconds(1001)), timers_.fire_due(), run();
  EXPECT_NE(served("orders", 1).get(), nullptr);
  EXPECT_TRUE(health_.report().reasons.empty());
  EXPECT_EQ(logger_.count("is served now"), 1u);
  EXPECT_EQ(logger_.count("cannot be opened"), 1u);
}

TEST_F(LocalBrokerTest, partitions_beyond_the_descriptors_wait_and_take_the_place_of_those_that_go) {
  ASSERT_TRUE(start({made("first", 200, 1), made("second", 100, 2)}).ok());
  size_t ready = 0;
  for (const char* name : {"first", "second"})
    for (const ServedPartition& p : view_.find(name)->partitions) ready += p.get() != nullptr ? 1 : 0;
  EXPECT_EQ(ready, kDescriptors);
  EXPECT_EQ(served("second", 99).why().reason(), "TOO_FEW_DESCRIPTORS");
  EXPECT_NE(served("second", 99).why().message().find("the 250 that this process may hold"), std::string::npos);
  EXPECT_NE(health_.report().reasons.at(0).words.find("50 partitions cannot be opened"), std::string::npos);
  local_.topic_deleted(view_.find("first")->record);
  run();
  clock_.move(milliseconds(1001)), timers_.fire_due(), run();
  for (const ServedPartition& p : view_.find("second")->partitions) EXPECT_NE(p.get(), nullptr);
  EXPECT_TRUE(health_.report().reasons.empty());
}

TEST_F(LocalBrokerTest, a_full_disk_is_told_as_such_by_a_partition_that_cannot_be_opened) {
  storage_.fails[data_log(Uuid::random(1, 1), {0})] = Status(ION_E_NO_SPACE, "the disk is full");
  ASSERT_TRUE(start({made("orders", 1)}).ok());
  EXPECT_EQ(served("orders", 0).why().code(), ION_E_NO_SPACE);
  EXPECT_EQ(served("orders", 0).health(), ION_E_NO_SPACE);
}

TEST_F(LocalBrokerTest, a_topic_that_is_deleted_while_it_is_opened_leaves_no_log) {
  storage_.hold_opens = true;
  const TopicPtr topic = create("orders", 50);
  local_.start(controller_, [](const Status&) {});
  local_.topic_deleted(topic);
  run();
  EXPECT_EQ(view_.find("orders"), nullptr);
  storage_.hold_opens = false;
  storage_.release(), run();
  EXPECT_TRUE(storage_.logs.empty());
  EXPECT_EQ(logger_.count("topic deleted"), 1u);
}

TEST_F(LocalBrokerTest, a_namesake_of_a_deleted_topic_is_another_topic) {
  ASSERT_TRUE(start().ok());
  const TopicPtr old = create("orders", 1, 1);
  machine_.apply(DeleteTopic{"orders", old->uuid}).value();
  local_.topic_deleted(old);
  const TopicPtr again = create("orders", 1, 2);
  ASSERT_NE(view_.find("orders"), nullptr);
  EXPECT_EQ(view_.find("orders")->record->uuid, again->uuid);
  EXPECT_TRUE(storage_.removed.contains(data_log(old->uuid, {0})));
  EXPECT_TRUE(storage_.logs.contains(data_log(again->uuid, {0})));
}

TEST_F(LocalBrokerTest, logs_of_topics_without_a_metadata_log_are_refused_and_nothing_is_touched) {
  storage_.logs[data_log(Uuid::random(1, 1), {0})] = {};
  const Status refused = start();
  EXPECT_EQ(refused.code(), ION_E_CORRUPT);
  EXPECT_NE(refused.message().find("raft/metadata"), std::string::npos);
  EXPECT_EQ(storage_.logs.size(), 1u);
  EXPECT_TRUE(storage_.opened.empty());
}

TEST_F(LocalBrokerTest, logs_of_topics_and_an_empty_metadata_log_are_refused) {
  storage_.logs[data_log(Uuid::random(1, 1), {0})] = storage_.logs["raft/metadata"] = {};
  const Status refused = start();
  EXPECT_EQ(refused.code(), ION_E_CORRUPT);
  EXPECT_NE(refused.message().find("no entries"), std::string::npos);
}

TEST_F(LocalBrokerTest, logs_that_no_topic_owns_are_left_alone_and_said) {
  storage_.logs[data_log(Uuid::random(9, 9), {0})] = storage_.logs["raft/metadata"] = {};
  ASSERT_TRUE(start({made("orders", 1)}).ok());
  EXPECT_NE(served("orders", 0).get(), nullptr);
  EXPECT_TRUE(storage_.logs.contains(data_log(Uuid::random(9, 9), {0})));
  EXPECT_EQ(logger_.count("are left alone logs=1"), 1u);
}

TEST_F(LocalBrokerTest, a_state_log_that_is_there_is_opened_with_its_partition) {
  storage_.logs[state_log(Uuid::random(1, 1), {1})] = storage_.logs["raft/metadata"] = {};
  ASSERT_TRUE(start({made("orders", 2)}).ok());
  EXPECT_EQ(std::count(storage_.opened.begin(), storage_.opened.end(), state_log(Uuid::random(1, 1), {1})), 1);
  EXPECT_EQ(storage_.opened.size(), 3u);
}

TEST_F(LocalBrokerTest, a_stop_does_not_wait_for_partitions_whose_turn_has_not_come) {
  storage_.hold_opens = true;
  create("wide", 100);
  std::optional<Status> stopped;
  local_.stop([&](Status s) { stopped = s; });
  run();
  EXPECT_FALSE(stopped);
  storage_.release(), run();
  ASSERT_TRUE(stopped && stopped->ok());
  EXPECT_EQ(storage_.opened.size(), 32u);
  storage_.hold_opens = false;
  stopped_already_ = true;
}

}  // namespace
}  // namespace ion::cluster
