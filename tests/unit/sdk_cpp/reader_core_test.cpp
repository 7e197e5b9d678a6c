#include "core/reader_core.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace ion::client {
namespace {

// A clock that is moved by hand and a broker that is played by the test.
struct World {
  explicit World(ReaderOptions o = {}) : core(with_topic(std::move(o))) { tell(read::Started{}); }
  static ReaderOptions with_topic(ReaderOptions o) {
    o.topic = "orders";
    return o;
  }

  read::Actions tell(read::Event event) {
    read::Actions a = core.step(event, now);
    metadata_asked += a.fetch_metadata;
    if (!a.list_offsets.empty()) offsets_asked.push_back(a.list_offsets);
    for (const auto& s : a.subscribe) subscribed.push_back(s);
    for (const auto& c : a.credits) credits.push_back(c);
    for (const uint64_t c : a.cancel) cancelled.push_back(c);
    return a;
  }
  void wait(Nanos n) {
    const Instant end = now + n;
    for (int i = 0; i < 100'000 && core.wake_at() <= end; ++i) {
      now = std::max(now + nanoseconds(1), core.wake_at());
      tell(read::Tick{});
    }
    now = end;
  }
  void metadata(int partitions, std::string leader = "broker-a:1") {
    read::MetadataArrived e;
    for (int i = 0; i < partitions; ++i) e.partitions.push_back({{i}, leader});
    tell(e);
  }
  void bounds(std::vector<std::pair<int64_t, int64_t>> all) {
    read::OffsetsArrived e;
    for (size_t i = 0; i < all.size(); ++i) e.bounds.push_back({{static_cast<int32_t>(i)}, {all[i].first}, {all[i].second}});
    tell(e);
  }
  // A frame of the newest stream, unless another is named.
  std::optional<read::Accept> frame(int32_t partition, int64_t next, uint64_t bytes = 1000, uint64_t stream = 0) {
    read::FrameArrived e;
    e.stream = stream == 0 ? subscribed.back().stream : stream;
    e.partition = {partition}, e.next_offset = {next}, e.bytes = bytes, e.session = "s";
    return tell(e).accept;
  }
  void refuse(int32_t partition, Code code, int64_t start = 0, int64_t end = 0) {
    read::FrameArrived e;
    e.stream = subscribed.back().stream;
    e.partition = {partition}, e.log_start = {start}, e.high_watermark = {end};
    e.failure = Failure{Status(code, "said the broker"), false, {}, {}};
    tell(e);
  }
  void lose(uint64_t stream) { tell(read::StreamEnded{stream, {Status(ION_E_CLOSED, "reset", "UNREACHABLE"), true, {}, {}}, 0}); }
  int64_t asked_offset(int32_t partition) const {
    for (const auto& p : subscribed.back().parts)
      if (p.partition.v == partition) return p.offset.v;
    return -1;
  }

  ReaderCore core;
  Instant now{1'000'000'000};
  std::vector<read::Subscribe> subscribed;
  std::vector<read::Credit> credits;
  std::vector<std::vector<int32_t>> offsets_asked;
  std::vector<uint64_t> cancelled;
  int metadata_asked = 0;
};

ReaderOptions at(int64_t offset) {
  ReaderOptions o;
  o.from = ReaderOptions::From::kOffset;
  o.offset = offset;
  return o;
}

TEST(ReaderCore, finds_its_partitions_and_starts_where_it_was_told) {
  World w;
  EXPECT_EQ(w.metadata_asked, 1);
  w.metadata(2);
  EXPECT_EQ(w.offsets_asked, (std::vector<std::vector<int32_t>>{{0, 1}}));
  EXPECT_TRUE(w.subscribed.empty());
  w.bounds({{5, 10}, {0, 0}});
  ASSERT_EQ(w.subscribed.size(), 1u) << "one stream for all partitions of a leader";
  EXPECT_EQ(w.asked_offset(0), 5);
  EXPECT_EQ(w.asked_offset(1), 0);
}

TEST(ReaderCore, needs_no_bounds_for_a_plain_offset) {
  World w(at(17));
  w.metadata(1);
  EXPECT_TRUE(w.offsets_asked.empty());
  ASSERT_EQ(w.subscribed.size(), 1u);
  EXPECT_EQ(w.asked_offset(0), 17);
}

TEST(ReaderCore, refuses_a_partition_that_is_not_there) {
  ReaderOptions o = at(0);
  o.partitions = {0, 4};
  World w(o);
  w.metadata(3);
  EXPECT_EQ(w.core.failed().reason(), "PARTITION_NOT_FOUND");
}

TEST(ReaderCore, gives_only_what_was_asked_for_of_a_batch_that_began_before) {
  World w(at(17));
  w.metadata(1);
  const auto a = w.frame(0, 30);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->from.v, 17);
  EXPECT_EQ(a->until.v, 30);
  EXPECT_EQ(w.frame(0, 40)->from.v, 30);
}

TEST(ReaderCore, stops_at_the_end_that_was_there_when_it_started) {
  ReaderOptions o;
  o.stop_at_end = true;
  World w(o);
  w.metadata(2);
  w.bounds({{0, 10}, {0, 3}});
  EXPECT_EQ(w.frame(0, 12)->until.v, 10);
  EXPECT_FALSE(w.core.finished());
  EXPECT_FALSE(w.frame(0, 15)) << "beyond its end nothing is given";
  EXPECT_EQ(w.frame(1, 3)->until.v, 3);
  EXPECT_TRUE(w.core.finished());
}

TEST(ReaderCore, an_empty_topic_is_finished_at_once) {
  ReaderOptions o;
  o.stop_at_end = true;
  World w(o);
  w.metadata(2);
  w.bounds({{0, 0}, {7, 7}});
  EXPECT_TRUE(w.core.finished());
  EXPECT_TRUE(w.subscribed.empty());
}

TEST(ReaderCore, an_end_of_its_own_per_partition_is_kept) {
  ReaderOptions o = at(0);
  o.offsets = {{0, 5, 8}, {1, 4, 4}};
  World w(o);
  w.metadata(2);
  ASSERT_EQ(w.subscribed.size(), 1u);
  ASSERT_EQ(w.subscribed[0].parts.size(), 1u) << "partition 1 is already past its end";
  EXPECT_EQ(w.frame(0, 100)->until.v, 8);
  EXPECT_TRUE(w.core.finished());
}

TEST(ReaderCore, goes_on_with_the_next_record_after_a_lost_stream) {
  World w(at(0));
  w.metadata(1);
  w.frame(0, 30);
  const uint64_t old = w.subscribed.back().stream;
  w.lose(old);
  w.wait(seconds(1));
  ASSERT_EQ(w.subscribed.size(), 2u);
  EXPECT_EQ(w.asked_offset(0), 30);
  EXPECT_FALSE(w.frame(0, 60, 1000, old)) << "the dead stream gives nothing any more";
  EXPECT_EQ(w.frame(0, 60)->from.v, 30);
}

TEST(ReaderCore, partitions_of_a_lost_stream_come_back_on_one_stream) {
  World w(at(0));
  w.metadata(8);
  for (int i = 0; i < 4; ++i) {
    w.lose(w.subscribed.back().stream);
    w.wait(seconds(2));
  }
  ASSERT_EQ(w.subscribed.size(), 5u);
  EXPECT_EQ(w.subscribed.back().parts.size(), 8u);
}

TEST(ReaderCore, never_gives_the_same_record_twice) {
  World w(at(0));
  w.metadata(1);
  EXPECT_TRUE(w.frame(0, 30));
  EXPECT_FALSE(w.frame(0, 30));
  EXPECT_FALSE(w.frame(0, 20));
}

TEST(ReaderCore, credit_goes_back_when_the_application_takes) {
  ReaderOptions o = at(0);
  o.credit_bytes = 4 << 20;
  World w(o);
  w.metadata(1);
  EXPECT_EQ(w.subscribed[0].credit_bytes, 4u << 20);
  const uint64_t stream = w.subscribed[0].stream;
  for (int i = 1; i <= 4; ++i) w.frame(0, i * 10, 1 << 20);
  EXPECT_TRUE(w.credits.empty()) << "nothing was taken yet";
  w.tell(read::Taken{stream, 1 << 20});
  ASSERT_EQ(w.credits.size(), 1u);
  EXPECT_EQ(w.credits[0].bytes, 1u << 20);
  EXPECT_EQ(w.credits[0].session, "s");
  w.tell(read::Taken{stream, 1000});
  EXPECT_EQ(w.credits.size(), 1u) << "small change is collected";
}

TEST(ReaderCore, a_lost_grant_is_given_again) {
  World w(at(0));
  w.metadata(1);
  const uint64_t stream = w.subscribed[0].stream;
  w.frame(0, 10, 9 << 20);
  w.tell(read::Taken{stream, 9 << 20});
  ASSERT_EQ(w.credits.size(), 1u);
  w.tell(read::CreditLost{stream, w.credits[0].bytes});
  w.wait(ReaderCore::kCreditRetry);
  ASSERT_EQ(w.credits.size(), 2u);
  EXPECT_EQ(w.credits[1].bytes, w.credits[0].bytes);
}

TEST(ReaderCore, an_offset_behind_the_end_fails_unless_a_policy_says_otherwise) {
  World strict(at(200));
  strict.metadata(1);
  strict.refuse(0, ION_E_OUT_OF_RANGE, 50, 90);
  EXPECT_EQ(strict.core.failed().code(), ION_E_OUT_OF_RANGE);

  ReaderOptions o = at(200);
  o.reset = Reset::kStart;
  World lenient(o);
  lenient.metadata(1);
  lenient.refuse(0, ION_E_OUT_OF_RANGE, 50, 90);
  lenient.wait(seconds(1));
  EXPECT_EQ(lenient.asked_offset(0), 50);

  o.reset = Reset::kEnd;
  World latest(o);
  latest.metadata(1);
  latest.refuse(0, ION_E_OUT_OF_RANGE, 50, 90);
  latest.wait(seconds(1));
  EXPECT_EQ(latest.asked_offset(0), 90);
}

TEST(ReaderCore, who_asked_for_the_start_begins_where_it_is_when_records_are_deleted_meanwhile) {
  World w(ReaderOptions{.topic = "t", .from = ReaderOptions::From::kStart});
  w.metadata(1);
  w.bounds({{10, 90}});
  w.refuse(0, ION_E_OUT_OF_RANGE, 50, 90);
  EXPECT_TRUE(w.core.failed().ok());
  w.wait(seconds(1));
  EXPECT_EQ(w.asked_offset(0), 50);
  EXPECT_EQ(w.core.missed(), 0u) << "nothing was to be read before the start";
  w.frame(0, 60);
  w.refuse(0, ION_E_OUT_OF_RANGE, 80, 90);
  EXPECT_EQ(w.core.missed(), 20u) << "these were to be read";
}

TEST(ReaderCore, a_partition_whose_leader_moved_is_read_elsewhere_while_the_others_go_on) {
  World w(at(0));
  w.metadata(2);
  const uint64_t first = w.subscribed.back().stream;
  w.frame(0, 5), w.frame(1, 5);
  w.refuse(1, ION_E_NOT_LEADER);
  EXPECT_EQ(w.metadata_asked, 2);
  read::MetadataArrived e;
  e.partitions = {{{0}, "broker-a:1"}, {{1}, "broker-b:1"}};
  w.tell(e);
  w.wait(seconds(1));
  ASSERT_EQ(w.subscribed.size(), 2u);
  EXPECT_EQ(w.subscribed[1].address, "broker-b:1");
  EXPECT_EQ(w.asked_offset(1), 5);
  EXPECT_TRUE(w.frame(0, 9, 1000, first));
}

TEST(ReaderCore, a_stream_without_a_sign_of_life_is_ended) {
  World w(at(0));
  w.metadata(1);
  w.wait(seconds(30));
  w.frame(0, 0, 0);  // a heartbeat
  w.wait(seconds(44));
  EXPECT_TRUE(w.cancelled.empty());
  w.wait(seconds(2));
  EXPECT_EQ(w.cancelled, std::vector<uint64_t>{w.subscribed.back().stream});
}

TEST(ReaderCore, gives_up_when_nobody_served_it_for_too_long) {
  World w(at(0));
  w.metadata(1);
  w.lose(w.subscribed.back().stream);
  for (int i = 0; i < 400 && w.core.failed().ok(); ++i) {
    w.wait(seconds(1));
    if (w.subscribed.size() > static_cast<size_t>(i)) w.lose(w.subscribed.back().stream);
  }
  EXPECT_EQ(w.core.failed().reason(), "UNREACHABLE");
  EXPECT_NE(w.core.failed().message().find("reset"), std::string::npos) << w.core.failed().message();
}

TEST(ReaderCore, an_unknown_topic_is_asked_for_twice) {
  World w;
  const Failure unknown{Status(ION_E_NOT_FOUND, "no topic", "TOPIC_NOT_FOUND"), false, {}, {}};
  w.tell(read::AskFailed{unknown, 0});
  EXPECT_TRUE(w.core.failed().ok());
  w.wait(milliseconds(1));
  EXPECT_EQ(w.metadata_asked, 2);
  w.tell(read::AskFailed{unknown, 0});
  EXPECT_EQ(w.core.failed().reason(), "TOPIC_NOT_FOUND");
}

}  // namespace
}  // namespace ion::client
