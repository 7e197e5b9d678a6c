// Partitions that are refused while others are read.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/reader_core.h"

namespace ion::client {
namespace {

using What = ClientEvent::What;

// Two partitions of "orders" on one broker, and a clock that is moved by hand.
struct World {
  explicit World(ReaderOptions o) : options(named(std::move(o))), core(options) {
    tell(read::Started{});
    read::MetadataArrived e;
    for (int i = 0; i < 2; ++i) e.partitions.push_back({{i}, "broker-a:1"});
    tell(e);
  }
  static ReaderOptions named(ReaderOptions o) {
    o.topic = "orders";
    return o;
  }
  void tell(read::Event event) {
    read::Actions a = core.step(event, now);
    asked += a.list_offsets.empty() ? 0 : 1;
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
  void bounds(Status of_the_second) { tell(read::OffsetsArrived{{{{0}, {0}, {5}, {}}, {{1}, {0}, {5}, std::move(of_the_second)}}, 0}); }
  void frame(int32_t partition, int64_t next) {
    read::FrameArrived e;
    e.stream = stream_of(partition), e.partition = {partition}, e.next_offset = {next}, e.bytes = 100, e.session = "s";
    tell(e);
  }
  void refuse(int32_t partition, const Status& why) {
    read::FrameArrived e;
    e.stream = stream_of(partition), e.partition = {partition};
    e.failure = Failure{why, false, {}, {}};
    tell(e);
  }
  uint64_t stream_of(int32_t partition) const {
    uint64_t stream = 0;
    for (const auto& s : subscribed)
      for (const auto& p : s.parts)
        if (p.partition.v == partition) stream = s.stream;
    return stream;
  }
  size_t told(What what) const {
    return static_cast<size_t>(std::count_if(notices.begin(), notices.end(), [what](const read::Notice& n) { return n.what == what; }));
  }

  const ReaderOptions options;
  ReaderCore core;
  Instant now{1'000'000'000};
  std::vector<read::Subscribe> subscribed;
  std::vector<read::Notice> notices;
  int asked = 0;
};

ReaderOptions to_the_end(ReaderOptions::OnLost on_lost) {
  ReaderOptions o;
  o.stop_at_end = true, o.on_lost = on_lost, o.unreachable_timeout = seconds(10);
  return o;
}
ReaderOptions following() {
  ReaderOptions o;
  o.from = ReaderOptions::From::kOffset, o.on_lost = ReaderOptions::OnLost::kGoOn;
  return o;
}
const Status kForbidden(ION_E_INVALID, "not taken");
const Status kDamaged(ION_E_CORRUPT, "its log is damaged"), kNotReady(ION_E_CLOSED, "it is tried again", "NOT_READY");

TEST(ReaderLost, a_partition_that_is_refused_for_good_is_told_and_the_others_are_read_to_their_end) {
  World w(to_the_end(ReaderOptions::OnLost::kGoOn));
  w.bounds(kDamaged);
  ASSERT_EQ(w.told(What::kPartitionLost), 1u);
  EXPECT_NE(w.notices[0].text.find("orders partition 1"), std::string::npos);
  EXPECT_NE(w.notices[0].text.find("damaged"), std::string::npos);
  w.frame(0, 5);
  EXPECT_TRUE(w.core.finished());
  ASSERT_EQ(w.core.lost().size(), 1u);
  EXPECT_EQ(w.core.lost()[0].partition.v, 1);
  EXPECT_EQ(w.core.lost()[0].why.code(), ION_E_CORRUPT);
}

TEST(ReaderLost, without_that_option_it_ends_the_reader_with_its_error) {
  World w(to_the_end(ReaderOptions::OnLost::kFail));
  w.bounds(kDamaged);
  EXPECT_EQ(w.core.failed().code(), ION_E_CORRUPT);
}

TEST(ReaderLost, one_that_is_not_ready_is_asked_again_while_the_others_are_read_and_given_up_when_the_time_is_over) {
  World w(to_the_end(ReaderOptions::OnLost::kGoOn));
  w.bounds(kNotReady);
  ASSERT_EQ(w.subscribed.size(), 1u);
  w.frame(0, 5);
  EXPECT_FALSE(w.core.finished());
  for (int i = 0; i < 200 && !w.core.finished(); ++i) {
    w.wait(milliseconds(100));
    w.tell(read::OffsetsArrived{{{{1}, {0}, {0}, kNotReady}}, 0});
  }
  EXPECT_GT(w.asked, 5);
  EXPECT_TRUE(w.core.finished());
  EXPECT_LE(w.now.ns, 12'000'000'000u);
  ASSERT_EQ(w.core.lost().size(), 1u);
  EXPECT_EQ(w.told(What::kPartitionLost), 2u) << "that it is tried again, and that it is left out";
}

TEST(ReaderLost, one_that_gets_ready_in_time_is_read_like_the_others) {
  World w(to_the_end(ReaderOptions::OnLost::kGoOn));
  w.bounds(kNotReady);
  w.frame(0, 5);
  w.wait(seconds(1));
  w.tell(read::OffsetsArrived{{{{1}, {0}, {5}, {}}}, 0});
  w.frame(1, 5);
  EXPECT_TRUE(w.core.finished());
  EXPECT_TRUE(w.core.lost().empty());
  EXPECT_TRUE(w.notices.empty());
}

TEST(ReaderLost, a_following_reader_tells_once_that_a_partition_is_lost_and_once_that_it_is_back_and_never_gives_it_up) {
  World w(following());
  for (int i = 0; i < 3000; ++i) {
    w.refuse(1, kNotReady);
    w.wait(milliseconds(100));
    w.frame(0, i + 1);
  }
  EXPECT_EQ(w.told(What::kPartitionLost), 1u);
  EXPECT_TRUE(w.core.failed().ok());
  w.wait(seconds(4));
  EXPECT_EQ(w.told(What::kPartitionFound), 1u) << "it is read and not refused, although no record has come";
  w.refuse(1, kNotReady);
  w.wait(milliseconds(1500));
  w.frame(1, 1);
  EXPECT_EQ(w.notices.size(), 2u) << "a refusal that passes is not told";
}

TEST(ReaderLost, what_an_operator_can_mend_is_waited_for_by_a_following_reader_alone) {
  const Status descriptors(ION_E_OVERLOADED, "raise ulimit -n", "TOO_FEW_DESCRIPTORS");
  World follows(following()), ends(to_the_end(ReaderOptions::OnLost::kGoOn));
  follows.refuse(1, descriptors);
  EXPECT_TRUE(follows.core.lost().empty());
  ends.bounds(descriptors);
  EXPECT_EQ(ends.core.lost().size(), 1u);
}

TEST(ReaderLost, a_following_reader_goes_on_without_what_is_refused_for_good_and_ends_when_none_is_left) {
  World w(following());
  w.refuse(1, kForbidden);
  EXPECT_TRUE(w.core.failed().ok());
  EXPECT_EQ(w.told(What::kPartitionLost), 1u);
  w.frame(0, 1);
  w.refuse(0, kForbidden);
  EXPECT_EQ(w.core.failed().code(), ION_E_INVALID);
  EXPECT_EQ(w.core.failed().message(), "topic orders partition 0: not taken") << "the last one is the end of the reader";
  EXPECT_EQ(w.told(What::kPartitionLost), 1u) << "and is not told twice";
  EXPECT_EQ(w.core.lost().size(), 2u);
}

TEST(ReaderLost, a_reader_that_wants_all_partitions_fails_when_one_is_refused_for_too_long) {
  ReaderOptions o = following();
  o.on_lost = ReaderOptions::OnLost::kFail, o.unreachable_timeout = seconds(10);
  World w(o);
  for (int i = 0; i < 150 && w.core.failed().ok(); ++i) {
    w.refuse(1, kNotReady);
    w.wait(milliseconds(100));
    w.frame(0, i + 1);
  }
  EXPECT_EQ(w.core.failed().reason(), "NOT_READY");
  EXPECT_NE(w.core.failed().message().find("orders partition 1"), std::string::npos);
}

}  // namespace
}  // namespace ion::client
