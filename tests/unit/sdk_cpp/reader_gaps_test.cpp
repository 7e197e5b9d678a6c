// Readers that a trim or retention overtakes, and partitions that are added while a topic is read.
#include <gtest/gtest.h>

#include <vector>

#include "core/reader_core.h"

namespace ion::client {
namespace {

using What = ClientEvent::What;
using OnGap = ReaderOptions::OnGap;

// Partitions of "orders" on one broker, and a clock that is moved by hand.
struct World {
  explicit World(ReaderOptions o) : options(named(std::move(o))), core(options) { tell(read::Started{}); }
  static ReaderOptions named(ReaderOptions o) {
    o.topic = "orders";
    return o;
  }
  void tell(read::Event event) {
    read::Actions a = core.step(event, now);
    metadata_asked += a.fetch_metadata;
    if (!a.list_offsets.empty()) offsets_asked.push_back(a.list_offsets);
    for (auto& n : a.notices) notices.push_back(std::move(n));
    for (auto& s : a.subscribe) subscribed.push_back(std::move(s));
  }
  void wait(Nanos n) {
    const Instant end = now + n;
    for (int i = 0; i < 100'000 && core.wake_at() <= end; ++i) {
      now = std::max(now + nanoseconds(1), core.wake_at());
      tell(read::Tick{});
    }
    now = end;
  }
  void metadata(int partitions) {
    read::MetadataArrived e;
    for (int i = 0; i < partitions; ++i) e.partitions.push_back({{i}, "broker-a:1"});
    tell(e);
  }
  void bounds(int32_t partition, int64_t start, int64_t end) { tell(read::OffsetsArrived{{{{partition}, {start}, {end}, {}}}, 0}); }
  void frame(int32_t partition, int64_t next) {
    read::FrameArrived e;
    e.stream = stream_of(partition), e.partition = {partition}, e.next_offset = {next}, e.bytes = 100, e.session = "s";
    tell(e);
  }
  // The broker has the offsets from `start` to before `end`.
  void out_of_range(int32_t partition, int64_t start, int64_t end) {
    read::FrameArrived e;
    e.stream = stream_of(partition), e.partition = {partition}, e.log_start = {start}, e.high_watermark = {end};
    e.failure = Failure{Status(ION_E_OUT_OF_RANGE, "said the broker", "OFFSET_OUT_OF_RANGE"), false, {}, {}};
    tell(e);
    wait(seconds(1));
  }
  uint64_t stream_of(int32_t partition) const {
    uint64_t stream = 0;
    for (const auto& s : subscribed)
      for (const auto& p : s.parts)
        if (p.partition.v == partition) stream = s.stream;
    return stream;
  }
  int64_t asked_offset(int32_t partition) const {
    int64_t offset = -1;
    for (const auto& s : subscribed)
      for (const auto& p : s.parts)
        if (p.partition.v == partition) offset = p.offset.v;
    return offset;
  }

  const ReaderOptions options;
  ReaderCore core;
  Instant now{1'000'000'000};
  std::vector<read::Subscribe> subscribed;
  std::vector<std::vector<int32_t>> offsets_asked;
  std::vector<read::Notice> notices;
  int metadata_asked = 0;
};

ReaderOptions from(int64_t offset) {
  ReaderOptions o;
  o.from = ReaderOptions::From::kOffset;
  o.offset = offset;
  return o;
}

TEST(ReaderGaps, a_reader_that_is_overtaken_goes_on_at_the_new_start_and_tells_the_gap_once) {
  World w(from(0));
  w.metadata(1);
  w.frame(0, 30);
  w.out_of_range(0, 50, 90);
  EXPECT_TRUE(w.core.failed().ok());
  EXPECT_EQ(w.asked_offset(0), 50);
  ASSERT_EQ(w.notices.size(), 1u);
  EXPECT_EQ(w.notices[0].what, What::kGap);
  EXPECT_EQ(w.notices[0].text, "topic orders partition 0: offsets 30 to 49 (20 of them) were deleted before being read; reading goes on at 50");
  ASSERT_TRUE(w.notices[0].gap);
  EXPECT_EQ(w.notices[0].gap->partition.v, 0);
  EXPECT_EQ(w.notices[0].gap->from.v, 30);
  EXPECT_EQ(w.notices[0].gap->until.v, 50);
  w.frame(0, 60);
  w.out_of_range(0, 61, 90);
  ASSERT_EQ(w.notices.size(), 2u) << "another gap is told as well";
  EXPECT_EQ(w.notices[1].text, "topic orders partition 0: offset 60 was deleted before being read; reading goes on at 61");
  EXPECT_EQ(w.core.missed(), 21u);
}

TEST(ReaderGaps, a_gap_ends_a_reader_that_was_told_so_whatever_it_does_about_lost_partitions) {
  for (const auto on_lost : {ReaderOptions::OnLost::kFail, ReaderOptions::OnLost::kGoOn}) {
    ReaderOptions o = from(0);
    o.on_gap = OnGap::kFail, o.on_lost = on_lost;
    World w(o);
    w.metadata(2);
    w.frame(0, 30);
    w.out_of_range(0, 50, 90);
    EXPECT_EQ(w.core.failed().code(), ION_E_OUT_OF_RANGE);
    EXPECT_NE(w.core.failed().message().find("partition 0 were deleted before they were read"), std::string::npos) << w.core.failed().message();
    EXPECT_EQ(w.core.missed(), 0u);
  }
}

TEST(ReaderGaps, a_range_that_is_deleted_in_part_is_read_from_where_the_log_begins) {
  ReaderOptions o;
  o.offsets = {{0, 10, 60}};
  World w(o);
  w.metadata(1);
  w.out_of_range(0, 50, 90);
  EXPECT_EQ(w.asked_offset(0), 50);
  EXPECT_EQ(w.core.missed(), 40u);
  w.frame(0, 70);
  EXPECT_TRUE(w.core.finished());
}

TEST(ReaderGaps, a_range_that_is_deleted_as_a_whole_is_finished_and_its_offsets_are_missed) {
  ReaderOptions o;
  o.offsets = {{0, 10, 20}};
  World w(o);
  w.metadata(1);
  w.out_of_range(0, 50, 90);
  EXPECT_TRUE(w.core.finished());
  EXPECT_EQ(w.core.missed(), 10u);
  ASSERT_EQ(w.notices.size(), 1u);
  EXPECT_NE(w.notices[0].text.find("the log begins at 50"), std::string::npos) << w.notices[0].text;
}

TEST(ReaderGaps, a_refusal_of_an_offset_that_is_there_by_its_own_words_moves_nothing) {
  World w(from(0));
  w.metadata(1);
  w.frame(0, 30);
  w.out_of_range(0, 10, 90);
  EXPECT_TRUE(w.core.failed().ok());
  EXPECT_EQ(w.asked_offset(0), 30) << "the position never goes back";
}

TEST(ReaderGaps, partitions_that_are_added_are_found_within_half_a_minute_and_read_from_their_start) {
  for (const auto where : {ReaderOptions::From::kEnd, ReaderOptions::From::kStart, ReaderOptions::From::kOffset}) {
    ReaderOptions o = from(17);
    o.from = where;
    World w(o);
    w.metadata(1);
    if (where != ReaderOptions::From::kOffset) w.bounds(0, 0, 20);
    w.wait(seconds(29));
    const int asked = w.metadata_asked;
    w.frame(0, 25);
    w.wait(seconds(1));
    EXPECT_EQ(w.metadata_asked, asked + 1);
    w.metadata(3);
    ASSERT_FALSE(w.offsets_asked.empty());
    EXPECT_EQ(w.offsets_asked.back(), (std::vector<int32_t>{1, 2}));
    w.bounds(1, 4, 9), w.bounds(2, 0, 0);
    EXPECT_EQ(w.asked_offset(1), 4) << "what was written before they were found is read";
    EXPECT_EQ(w.asked_offset(2), 0);
  }
}

TEST(ReaderGaps, who_named_partitions_or_has_an_end_is_not_given_others) {
  ReaderOptions named = from(0);
  named.partitions = {0};
  ReaderOptions ending;
  ending.stop_at_end = true;
  ReaderOptions ranged = from(0);
  ranged.offsets = {{0, 0, 100}};
  for (const ReaderOptions& o : {named, ending, ranged}) {
    World w(o);
    w.metadata(1);
    w.bounds(0, 0, 50);
    w.frame(0, 10);
    w.wait(seconds(31));
    w.frame(0, 20);
    const size_t subscribed = w.subscribed.size();
    const size_t asked = w.offsets_asked.size();
    w.metadata(3);
    EXPECT_EQ(w.subscribed.size(), subscribed);
    EXPECT_EQ(w.offsets_asked.size(), asked);
  }
}

TEST(ReaderGaps, damage_is_told_and_passed_over_by_who_asked_for_it) {
  for (const auto on_damage : {ReaderOptions::OnDamage::kFail, ReaderOptions::OnDamage::kSkip}) {
    ReaderOptions o;
    o.offsets = {{0, 0, 40}};
    o.on_damage = on_damage;
    World w(o);
    w.metadata(1);
    w.frame(0, 30);
    read::FrameArrived e;
    e.stream = w.stream_of(0), e.partition = {0}, e.next_offset = {33};
    e.failure = Failure{Status(ION_E_CORRUPT, "the checksum differs", "DATA_LOSS"), false, {}, {}};
    w.tell(e);
    w.wait(seconds(1));
    if (on_damage == ReaderOptions::OnDamage::kFail) {
      EXPECT_EQ(w.core.failed().code(), ION_E_CORRUPT);
      continue;
    }
    EXPECT_EQ(w.asked_offset(0), 33);
    ASSERT_EQ(w.notices.size(), 1u);
    EXPECT_EQ(w.notices[0].text, "topic orders partition 0: offsets 30 to 32 (3 of them) were passed over; reading goes on at 33: the checksum differs");
    EXPECT_EQ(w.core.missed(), 3u);
    e.stream = w.stream_of(0), e.next_offset = {50};
    w.tell(e);
    EXPECT_EQ(w.core.missed(), 10u) << "up to its end";
    EXPECT_TRUE(w.core.finished());
  }
}

TEST(ReaderGaps, who_follows_tries_again_what_a_repair_or_a_restart_mends) {
  for (const Code code : {ION_E_CORRUPT, ION_E_FAILED, ION_E_IO}) {
    ReaderOptions o = from(0);
    o.on_lost = ReaderOptions::OnLost::kGoOn;
    World w(o);
    w.metadata(1);
    read::FrameArrived e;
    e.stream = w.stream_of(0), e.partition = {0};
    e.failure = Failure{Status(code, "said the broker"), false, {}, {}};
    w.tell(e);
    w.metadata(1);
    w.wait(seconds(2));
    EXPECT_TRUE(w.core.failed().ok());
    EXPECT_EQ(w.subscribed.size(), 2u);
  }
}

}  // namespace
}  // namespace ion::client
