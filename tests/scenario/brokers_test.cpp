#include "broker_fixture.h"

#include "config_check.h"

#include <set>

namespace ion::test {
namespace {

struct Brokers : testing::Test {
  TestBroker& add() {
    brokers.push_back(std::make_unique<TestBroker>(time, copies.path() + "/" + std::to_string(brokers.size() + 1)));
    return *brokers.back();
  }
  CopiesDirectory copies;
  VirtualTime time;
  std::vector<std::unique_ptr<TestBroker>> brokers;
};

TEST_F(Brokers, five_live_in_one_process_and_one_of_them_reads_after_a_restart_what_it_was_given) {
  for (int i = 0; i < 5; ++i) {
    const Status started = add().start();
    ASSERT_TRUE(started.ok()) << i << ": " << started.text();
  }
  for (size_t i = 0; i < brokers.size(); ++i) {
    const std::string topic = "topic-" + std::to_string(i);
    ASSERT_TRUE(brokers[i]->create_topic(topic).ok());
    const Status produced = brokers[i]->produce(topic, {"a" + std::to_string(i), "b" + std::to_string(i)});
    ASSERT_TRUE(produced.ok()) << produced.text();
  }
  for (size_t i = 0; i < brokers.size(); ++i) {
    EXPECT_EQ(brokers[i]->consume("topic-" + std::to_string(i)), "a" + std::to_string(i) + ",b" + std::to_string(i));
    EXPECT_EQ(brokers[i]->consume("topic-" + std::to_string((i + 1) % 5)), "!NOT_FOUND") << "what one broker has another one does not see";
  }
  for (auto& broker : brokers) EXPECT_TRUE(broker->stop().ok());
  ASSERT_TRUE(brokers[2]->start().ok());
  EXPECT_EQ(brokers[2]->consume("topic-2"), "a2,b2");
  EXPECT_TRUE(brokers[2]->produce("topic-2", {"c2"}).ok());
  EXPECT_EQ(brokers[2]->consume("topic-2"), "a2,b2,c2");
  EXPECT_TRUE(brokers[2]->stop().ok());
}

TEST_F(Brokers, a_start_and_a_stop_wait_for_no_time_to_pass) {
  TestBroker& broker = add();
  const Instant begun = time.clock().now();
  ASSERT_TRUE(broker.start().ok());
  ASSERT_TRUE(broker.stop().ok());
  EXPECT_LT((time.clock().now() - begun).seconds(), 1.0);
}

TEST_F(Brokers, a_record_is_found_by_its_id_wherever_it_is) {
  TestBroker& broker = add();
  ASSERT_TRUE(broker.start().ok());
  for (const char* topic : {"a", "b"}) ASSERT_TRUE(broker.create_topic(topic).ok());
  ASSERT_TRUE(broker.produce("a", {"a0"}).ok());
  ASSERT_TRUE(broker.produce("b", {"b0", "b1", "b2"}).ok());
  ASSERT_TRUE(broker.produce("b", {"b3"}).ok());
  const std::vector<Uuid> ids = broker.ids("b");
  ASSERT_EQ(ids.size(), 4u);
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(broker.get_record(ids[i]), "b/0@" + std::to_string(i) + "=b" + std::to_string(i));
  EXPECT_EQ(broker.get_record(broker.ids("a")[0]), "a/0@0=a0");

  const message_id::Parts parts = *message_id::parse(ids[3]);
  EXPECT_EQ(broker.get_record(message_id::make(parts.time, {4}, parts.log)), "NOT_YET");
  EXPECT_EQ(broker.get_record(message_id::make({parts.time.ms + 1}, {3}, parts.log)), "RECORD_NOT_FOUND") << "another record has its place";
  EXPECT_EQ(broker.get_record(message_id::make(parts.time, {3}, {kLogIdMax})), "LOG_NOT_FOUND");
  EXPECT_EQ(broker.get_record(Uuid::random(1, 2)), "INVALID");

  ASSERT_TRUE(broker.stop().ok());
  ASSERT_TRUE(broker.start().ok());
  EXPECT_EQ(broker.get_record(ids[2]), "b/0@2=b2") << "an id lives as long as its record";
  EXPECT_TRUE(broker.stop().ok());
}

// The machine's clock was two days ahead and is set right, and is set once more under a waiting reader.
TEST_F(Brokers, a_wall_clock_that_is_set_back_or_ahead_changes_no_order_no_id_and_no_wait) {
  constexpr Nanos kTwoDays = seconds(172'800);
  TestBroker& broker = add();
  time.clock().set_wall_by(kTwoDays);
  ASSERT_TRUE(broker.start().ok());
  ASSERT_TRUE(broker.create_topic("t").ok());
  for (const char* value : {"ahead-0", "ahead-1"}) ASSERT_TRUE(broker.produce("t", {value}).ok());
  ASSERT_TRUE(broker.stop().ok());
  time.clock().set_wall_by({-kTwoDays.n});
  ASSERT_TRUE(broker.start().ok());
  for (const char* value : {"right-0", "right-1"}) ASSERT_TRUE(broker.produce("t", {value}).ok());
  EXPECT_EQ(broker.consume("t"), "ahead-0,ahead-1,right-0,right-1");
  const std::vector<Uuid> ids = broker.ids("t");
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(std::set<Uuid>(ids.begin(), ids.end()).size(), 4u);
  EXPECT_GT(message_id::parse(ids[1])->time.ms, message_id::parse(ids[2])->time.ms) << "times are kept as they were";
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(broker.get_record(ids[i]).substr(0, 6), "t/0@" + std::to_string(i) + "=");

  for (const Nanos by : {Nanos{-kTwoDays.n}, kTwoDays}) {
    const Nanos waited = broker.wait_at("t", 4, seconds(4), [&] { time.clock().set_wall_by(by); });
    EXPECT_EQ(waited.n, seconds(4).n) << "set by " << by.seconds() << " s";
  }
  ASSERT_TRUE(broker.produce("t", {"last"}).ok());
  EXPECT_TRUE(broker.stop().ok());
}

TEST_F(Brokers, requests_are_refused_once_the_stop_has_begun) {
  TestBroker& broker = add();
  ASSERT_TRUE(broker.start().ok());
  ASSERT_TRUE(broker.create_topic("t").ok());
  ASSERT_TRUE(broker.broker().stop().ok());
  EXPECT_EQ(broker.produce("t", {"late"}).code(), ION_E_CLOSED);
  EXPECT_TRUE(broker.stop().ok());
}

TEST_F(Brokers, a_data_directory_has_one_broker_at_a_time) {
  TestBroker& broker = add();
  auto held = broker.disk().exists("ionstreamd.lock");
  EXPECT_FALSE(held);
  ASSERT_TRUE(broker.start().ok());
  FakeFiles again(broker.disk());
  EXPECT_EQ(again.open("ionstreamd.lock", ION_FILE_READ | ION_FILE_WRITE | ION_FILE_LOCK).error().code(), ION_E_BUSY);
  ASSERT_TRUE(broker.stop().ok());
  EXPECT_TRUE(again.open("ionstreamd.lock", ION_FILE_READ | ION_FILE_WRITE | ION_FILE_LOCK).has_value());
}

TEST_F(Brokers, who_finds_a_data_directory_in_use_hears_which_process_has_it) {
  TestBroker& broker = add();
  broker.process = 4711;
  ASSERT_TRUE(broker.start().ok());
  ASSERT_TRUE(broker.stop().ok());
  FakeFiles others(broker.disk());
  const auto held = others.open("ionstreamd.lock", ION_FILE_READ | ION_FILE_WRITE | ION_FILE_LOCK);
  ASSERT_TRUE(held.has_value());
  const Status refused = broker.start();
  EXPECT_EQ(refused.code(), ION_E_BUSY);
  EXPECT_TRUE(refused.message().ends_with("is in use by another ionstreamd, process 4711")) << refused.message();
  ASSERT_TRUE((*held)->pwrite(0, span_of(std::string_view("no number"))).ok());
  EXPECT_TRUE(broker.start().message().ends_with("is in use by another ionstreamd"));
}

TEST_F(Brokers, a_topic_for_which_the_process_has_too_few_files_is_refused_before_it_is_committed) {
  TestBroker& broker = add();
  ASSERT_TRUE(broker.start().ok());
  const Status refused = broker.create_topic("t", static_cast<uint32_t>(broker.world().descriptors_max()) + 1);
  EXPECT_EQ(refused.code(), ION_E_OVERLOADED);
  EXPECT_NE(refused.message().find("1024"), std::string::npos) << refused.text();
  EXPECT_TRUE(broker.create_topic("t").ok()) << "the refused one is not there";
  EXPECT_TRUE(broker.stop().ok());
}

// Every kind of file operation of a start fails once, at each place where it happens: the broker says so, ends in order, and the
// next start on the same files is a good one.
TEST_F(Brokers, a_start_that_fails_at_any_operation_on_its_files_ends_in_order_and_leaves_files_that_start) {
  TestBroker& broker = add();
  ASSERT_TRUE(broker.start().ok());
  ASSERT_TRUE(broker.create_topic("t").ok());
  ASSERT_TRUE(broker.produce("t", {"kept"}).ok());
  ASSERT_TRUE(broker.stop().ok());
  size_t failed = 0;
  for (const char* below : {"", "/storage-mmap", "/consensus-single"})
    for (const DiskOp op : {DiskOp::kOpen, DiskOp::kPwrite, DiskOp::kPread, DiskOp::kSyncData, DiskOp::kMakeDir, DiskOp::kMap})
      for (uint64_t place = 0; place < 8; ++place) {
        SCOPED_TRACE(std::string("below \"") + below + "\" operation " + std::to_string(static_cast<int>(op)) + " place " + std::to_string(place));
        broker.disk(below).add_fault({op, "", ION_E_IO, place, 1});
        if (broker.start().ok()) (void)broker.stop();
        else ++failed;
        broker.disk(below).clear_faults();
        ASSERT_TRUE(broker.start().ok());
        EXPECT_EQ(broker.consume("t"), "kept");
        ASSERT_TRUE(broker.stop().ok());
      }
  EXPECT_GT(failed, 10U) << "faults that hit nothing prove nothing";
}

struct BadConfiguration {
  const char* what;
  std::vector<std::string> settings;
  std::vector<std::string> without;
  const char* named;  // in both refusals
};

TEST_F(Brokers, the_check_refuses_what_a_start_refuses_in_the_same_words) {
  const BadConfiguration table[] = {
      {"no storage", {}, {"storage-mmap"}, "ion.storage/1"},
      {"no consensus", {}, {"consensus-single"}, "ion.consensus/1"},
      {"two storages", {"plugins.storage-memory.enabled=true"}, {}, "ion.storage/1"},
      {"a plugin that is not there", {"plugins.nowhere.enabled=true"}, {}, "plugin nowhere"},
      {"a key that the plugin does not know", {"plugins.storage-mmap.config.segment_byte=1"}, {}, "segment_byte"},
      {"a value outside of its range", {"plugins.storage-mmap.config.segment_bytes=1B"}, {}, "segment_bytes"},
      {"record above batch", {"limits.record_bytes_max=32MiB"}, {}, "batch_bytes_max"},
      {"batch above fetch", {"limits.batch_bytes_max=64MiB"}, {}, "fetch_bytes_max"},
      {"more partitions of a topic than of the broker", {"limits.partitions_max=2", "topics.partitions=3"}, {}, "limits.partitions_max"},
      {"a hash that is not the file's", {"plugin_host.allow={\"storage-mmap\":\"" + std::string(64, '0') + "\"}"}, {}, "storage-mmap"},
  };
  for (const BadConfiguration& bad : table) {
    SCOPED_TRACE(bad.what);
    TestBroker& broker = add();
    broker.settings = bad.settings, broker.without = bad.without;
    const Status started = broker.start();
    ASSERT_FALSE(started.ok());
    EXPECT_NE(started.message().find(bad.named), std::string::npos) << started.message();
    const auto loaded = broker.configuration();
    BrokerOptions options;
    options.in_process = true, options.probe = false;
    const Status checked = loaded ? check_config(*loaded, options).error() : loaded.error();
    EXPECT_EQ(checked.message(), started.message());
  }
}

TEST_F(Brokers, a_good_configuration_passes_the_check_and_the_check_writes_nothing) {
  TestBroker& broker = add();
  const auto loaded = broker.configuration();
  ASSERT_TRUE(loaded.has_value()) << loaded.error().text();
  BrokerOptions options;
  options.in_process = true, options.probe = false;
  const auto checked = check_config(*loaded, options);
  ASSERT_TRUE(checked.has_value()) << checked.error().text();
  EXPECT_NE(checked->print().find("\"prepare_ahead\": 0"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(copies.path()));
}

TEST_F(Brokers, without_a_transport_nobody_could_reach_a_broker_that_is_not_called_in_its_process) {
  TestBroker& broker = add();
  const auto loaded = broker.configuration();
  BrokerOptions options;
  options.probe = false;
  const auto checked = check_config(*loaded, options);
  ASSERT_FALSE(checked.has_value());
  EXPECT_NE(checked.error().message().find("ion.transport/1"), std::string::npos) << checked.error().text();
}

TEST_F(Brokers, a_reload_takes_over_the_level_of_the_log_and_names_what_waits_for_a_restart) {
  TestBroker& broker = add();
  ASSERT_TRUE(broker.start().ok());
  broker.settings = {"log.level=debug", "topics.partitions=4"};
  broker.broker().reload(*broker.configuration());
  EXPECT_EQ(broker.world().log_level, LogLevel::kDebug);
  EXPECT_EQ(broker.world().log().count("a setting was changed key=log.level"), 1U);
  EXPECT_EQ(broker.world().log().count("waits for a restart key=topics.partitions"), 1U);
  ASSERT_TRUE(broker.stop().ok());
}

}  // namespace
}  // namespace ion::test
