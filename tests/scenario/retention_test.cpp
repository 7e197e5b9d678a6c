// Records that go: by age, by size, by an operator; settings that are altered while the broker runs. Whole brokers on virtual time.
#include "broker_fixture.h"

namespace ion::test {
namespace {

struct Retention : testing::Test {
  void SetUp() override { ASSERT_TRUE(broker.start().ok()); }
  void TearDown() override {
    EXPECT_TRUE(broker.stop().ok());
  }
  int64_t start(std::string_view topic = "t") { return broker.describe(topic).log_starts.at(0).v; }
  int64_t end(std::string_view topic = "t") { return broker.describe(topic).ends.at(0).v; }

  CopiesDirectory copies;
  VirtualTime time;
  TestBroker broker{time, copies.path() + "/1"};
};

TEST_F(Retention, records_of_an_idle_topic_go_when_they_are_old_enough) {
  ASSERT_TRUE(broker.create_topic("t", 1, {{"retention.ms", "60000"}}).ok());
  ASSERT_TRUE(broker.produce("t", {"a", "b"}).ok());
  broker.pass(seconds(50));
  EXPECT_EQ(start(), 0);
  broker.pass(seconds(16));  // a look every five seconds
  EXPECT_EQ(start(), 2);
  EXPECT_EQ(broker.describe("t").bytes.at(0), 0u);
  ASSERT_TRUE(broker.produce("t", {"c"}).ok());
  EXPECT_EQ(end(), 3);
}

TEST_F(Retention, what_a_record_says_of_its_time_neither_keeps_nor_deletes_it) {
  ASSERT_TRUE(broker.create_topic("t", 1, {{"retention.ms", "60000"}}).ok());
  for (const int64_t ms : {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{32'503'680'000'000}}) ASSERT_TRUE(broker.produce("t", {"x"}, WallMs{ms}).ok());
  broker.pass(seconds(50));
  EXPECT_EQ(start(), 0);
  broker.pass(seconds(30));
  EXPECT_EQ(start(), 4);
}

TEST_F(Retention, a_slow_stream_never_keeps_a_record_for_much_longer_than_its_age) {
  ASSERT_TRUE(broker.create_topic("t", 1, {{"retention.ms", "80000"}}).ok());
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(broker.produce("t", {"x"}).ok());
    broker.pass(seconds(5));
    const int64_t kept_s = (end() - start()) * 5;
    EXPECT_LE(kept_s, 80 + 10 + 15) << i;
  }
  EXPECT_GE((end() - start()) * 5, 80);
}

TEST_F(Retention, a_size_bounds_what_a_partition_keeps) {
  ASSERT_TRUE(broker.create_topic("t", 1, {{"retention.bytes", "512KiB"}}).ok());
  const std::string value(10'000, 'x');
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(broker.produce("t", {value}).ok());
    if (i % 10 == 9) broker.pass(seconds(6));
  }
  const auto told = broker.describe("t");
  EXPECT_GE(told.bytes.at(0), 512u << 10);
  EXPECT_LE(told.bytes.at(0), (512u << 10) + (256u << 10)) << "and no more than a segment and what came between two looks";
  EXPECT_GT(told.log_starts.at(0).v, 100);
}

TEST_F(Retention, settings_hold_at_once_when_they_are_altered_and_survive_a_restart) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  ASSERT_TRUE(broker.produce("t", {"a"}).ok());
  broker.pass(seconds(1000));
  EXPECT_EQ(start(), 0);
  ASSERT_TRUE(broker.alter_topic("t", {{"retention.ms", "600s"}}).ok());
  EXPECT_EQ(broker.describe("t").config.at("retention.ms"), "600000");
  broker.pass(seconds(11));
  EXPECT_EQ(start(), 1);
  ASSERT_TRUE(broker.stop().ok());
  ASSERT_TRUE(broker.start().ok());
  EXPECT_EQ(broker.describe("t").config.at("retention.ms"), "600000");
  ASSERT_TRUE(broker.alter_topic("t", {}, {"retention.ms"}).ok());
  EXPECT_EQ(broker.describe("t").config.at("retention.ms"), "-1");
  ASSERT_TRUE(broker.produce("t", {"b"}).ok());
  broker.pass(seconds(5000));
  EXPECT_EQ(broker.consume("t"), "!OUT_OF_RANGE");
  EXPECT_EQ(start(), 1);
}

TEST_F(Retention, what_cannot_be_altered_is_refused_and_a_dry_run_changes_nothing) {
  ASSERT_TRUE(broker.create_topic("t", 2).ok());
  EXPECT_EQ(broker.alter_topic("nothing", {{"retention.ms", "1h"}}).code(), ION_E_NOT_FOUND);
  EXPECT_EQ(broker.alter_topic("t", {}).code(), ION_E_INVALID);
  EXPECT_EQ(broker.alter_topic("t", {{"retention.ms", "soon"}}).code(), ION_E_INVALID);
  EXPECT_EQ(broker.alter_topic("t", {{"retention.mss", "1h"}}).code(), ION_E_INVALID);
  EXPECT_EQ(broker.alter_topic("t", {}, {"retention.mss"}).code(), ION_E_INVALID);
  EXPECT_EQ(broker.alter_topic("t", {{"retention.ms", "1h"}}, {"retention.ms"}).code(), ION_E_INVALID);
  EXPECT_EQ(broker.alter_topic("t", {{"retention.ms", "1h"}}, {}, 4).code(), ION_E_INVALID) << "settings and partitions at once";
  EXPECT_EQ(broker.alter_topic("t", {}, {}, 2).code(), ION_E_INVALID);
  EXPECT_EQ(broker.alter_topic("t", {}, {}, 1).code(), ION_E_INVALID);
  EXPECT_TRUE(broker.alter_topic("t", {{"retention.ms", "1h"}}, {}, 0, ION_TOPIC_DRY_RUN).ok());
  EXPECT_TRUE(broker.alter_topic("t", {}, {}, 5, ION_TOPIC_DRY_RUN).ok());
  EXPECT_EQ(broker.describe("t").config.at("retention.ms"), "-1");
  EXPECT_EQ(broker.describe("t").log_starts.size(), 2u);
}

TEST_F(Retention, partitions_are_added_are_served_and_survive_a_restart) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  ASSERT_TRUE(broker.produce("t", {"a"}).ok());
  ASSERT_TRUE(broker.alter_topic("t", {}, {}, 3).ok());
  ASSERT_TRUE(broker.produce("t", {"b"}, WallMs{1}, {}, 2).ok());
  EXPECT_EQ(broker.describe("t").ends.size(), 3u);
  ASSERT_TRUE(broker.create_topic("u").ok()) << "log ids go on behind those that were given";
  ASSERT_TRUE(broker.produce("u", {"c"}).ok());
  ASSERT_TRUE(broker.stop().ok());
  ASSERT_TRUE(broker.start().ok());
  EXPECT_EQ(broker.consume("t"), "a");
  EXPECT_EQ(broker.describe("t").ends.at(2).v, 1);
  EXPECT_EQ(broker.consume("u"), "c");
  ASSERT_TRUE(broker.alter_topic("t", {{"durability", "os"}}).ok());
  EXPECT_EQ(broker.describe("t").ends.size(), 3u);
}

TEST_F(Retention, a_repeat_is_known_after_its_batch_has_gone_and_the_process_was_killed) {
  ASSERT_TRUE(broker.create_topic("t", 1, {{"retention.ms", "60000"}}).ok());
  const batch::Identity who{{77}, {0}, 0};
  ASSERT_TRUE(broker.produce("t", {"a", "b"}, WallMs{0}, who).ok());
  broker.pass(seconds(90));
  ASSERT_EQ(start(), 2);
  broker.kill();
  ASSERT_TRUE(broker.start().ok());
  EXPECT_EQ(start(), 2) << "the beginning never moves back";
  ASSERT_TRUE(broker.produce("t", {"a", "b"}, WallMs{0}, who).ok());
  EXPECT_TRUE(broker.was_duplicate);
  EXPECT_EQ(end(), 2);
  ASSERT_TRUE(broker.produce("t", {"c"}, WallMs{0}, {{77}, {0}, 2}).ok());
  EXPECT_FALSE(broker.was_duplicate);
  EXPECT_EQ(end(), 3);
}

TEST_F(Retention, an_operator_deletes_records_and_they_stay_deleted) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  for (const char* value : {"a", "b", "c", "d"}) ASSERT_TRUE(broker.produce("t", {value}).ok());
  EXPECT_EQ(broker.trim("t", 5).error().code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(broker.trim("t", -2).error().code(), ION_E_INVALID);
  EXPECT_EQ(broker.trim("t", 1, 9).error().code(), ION_E_NOT_FOUND);
  EXPECT_EQ(broker.trim("nothing", 1).error().code(), ION_E_NOT_FOUND);
  EXPECT_EQ(broker.trim("t", 2)->v, 2);
  EXPECT_EQ(broker.trim("t", 1)->v, 2);
  broker.kill();
  ASSERT_TRUE(broker.start().ok());
  EXPECT_EQ(start(), 2);
  EXPECT_EQ(broker.trim("t", -1)->v, 4);
  EXPECT_EQ(start(), 4);
  ASSERT_TRUE(broker.produce("t", {"e"}).ok());
  EXPECT_EQ(end(), 5);
}

TEST_F(Retention, a_time_leads_to_the_first_record_that_has_it_or_a_later_one) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  EXPECT_EQ(broker.offset_at("t", 5), "0/-1") << "nothing is there: the next record to come";
  for (const int64_t t : {100, 300, 200, 400}) ASSERT_TRUE(broker.produce("t", {"a", "b"}, WallMs{t}).ok());
  EXPECT_EQ(broker.offset_at("t", -7), "0/100");
  EXPECT_EQ(broker.offset_at("t", 101), "2/300");
  EXPECT_EQ(broker.offset_at("t", 301), "6/400");
  EXPECT_EQ(broker.offset_at("t", 401), "8/-1");
  EXPECT_EQ(broker.offset_at("nothing", 1), "NOT_FOUND");
  ASSERT_TRUE(broker.trim("t", 3).has_value());
  EXPECT_EQ(broker.offset_at("t", 250), "3/300") << "the first record of that batch is deleted, the second is not";
  ASSERT_TRUE(broker.trim("t", 4).has_value());
  EXPECT_EQ(broker.offset_at("t", 250), "6/400");
  ASSERT_TRUE(broker.trim("t", -1).has_value());
  EXPECT_EQ(broker.offset_at("t", 0), "8/-1");
}

TEST_F(Retention, a_batch_whose_late_records_are_deleted_is_passed_over) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  batch::RecordWriter writer;  // times go down within the batch
  writer.append({std::nullopt, span_of("late"), WallMs{900}, {}});
  writer.append({std::nullopt, span_of("early"), WallMs{100}, {}});
  ASSERT_TRUE(broker.produce_batch("t", writer.finish()).ok());
  ASSERT_TRUE(broker.produce("t", {"x"}, WallMs{950}).ok());
  EXPECT_EQ(broker.offset_at("t", 500), "0/900");
  ASSERT_TRUE(broker.trim("t", 1).has_value());
  EXPECT_EQ(broker.offset_at("t", 500), "2/950");
}

TEST_F(Retention, a_size_that_is_lowered_reaches_what_was_written_before) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(broker.produce("t", {std::string(10'000, 'x')}).ok());
  ASSERT_TRUE(broker.alter_topic("t", {{"retention.bytes", "100KiB"}}).ok());
  broker.pass(seconds(12));
  ASSERT_TRUE(broker.produce("t", {"last"}).ok());
  broker.pass(seconds(12));
  EXPECT_LE(broker.describe("t").bytes.at(0), 400u << 10);
  EXPECT_GT(start(), 0);
}

TEST_F(Retention, changes_on_their_way_together_are_all_there_afterwards) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  const auto alter = [&](std::string_view key, std::string_view value, ion_topic_req& r, ion_admin_answer& a, ion_field& f) {
    f = {bytes_of(key), bytes_of(value)};
    r.size = sizeof r, r.name = bytes_of("t"), r.config = &f, r.nconfig = 1, a.size = sizeof a;
    return Asked([&](Op& op) { return broker.api().topic_alter(op, r, a); });
  };
  ion_topic_req r1{}, r2{};
  ion_admin_answer a1{}, a2{};
  ion_field f1{}, f2{};
  Asked one = alter("retention.ms", "1h", r1, a1, f1), two = alter("segment.ms", "1m", r2, a2, f2);
  ASSERT_TRUE(time.run_until(kAnswerLimit, [&] { return one.done() && two.done(); }));
  EXPECT_TRUE(one.status().ok() && two.status().ok());
  EXPECT_EQ(broker.describe("t").config.at("retention.ms"), "3600000");
  EXPECT_EQ(broker.describe("t").config.at("segment.ms"), "60000");
}

TEST_F(Retention, a_trim_to_the_end_gives_the_files_back_and_stays_over_a_kill) {
  ASSERT_TRUE(broker.create_topic("t").ok());
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(broker.produce("t", {std::string(10'000, 'x')}).ok());
  EXPECT_EQ(broker.trim("t", -1)->v, 30);
  EXPECT_EQ(broker.describe("t").bytes.at(0), 0u);
  broker.kill();
  ASSERT_TRUE(broker.start().ok());
  EXPECT_EQ(start(), 30);
  EXPECT_EQ(end(), 30);
  ASSERT_TRUE(broker.produce("t", {"next"}).ok());
  EXPECT_EQ(end(), 31);
}

}  // namespace
}  // namespace ion::test
