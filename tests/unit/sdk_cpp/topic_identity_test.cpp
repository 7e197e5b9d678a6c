// A topic that is deleted and made again under its name is another topic: producers and readers notice, tell, and go on or end.
#include "core/reader_core.h"
#include "producer_fixture.h"

namespace ion::client {
namespace {

using Strings = std::vector<std::string>;

Uuid id(uint64_t n) { return Uuid::random(n, n); }

struct World : ProducerFixture {
  explicit World(ProducerLimits l = {}) : ProducerFixture(l) {}
  void topic(uint64_t n, int count) {
    produce::MetadataArrived e;
    for (int i = 0; i < count; ++i) e.partitions.push_back({{i}, "broker-a:1"});
    e.topic_id = id(n);
    obey(told(core.step(e, now)));
  }
  produce::Actions told(produce::Actions a) {
    if (!a.recreated.empty()) events.push_back(a.recreated);
    return a;
  }
  // One record has been delivered to topic 1.
  void ready_on(int count) {
    ready(count);
    topic(1, count);
  }
  std::vector<std::string> events;
};

TEST(TopicIdentity, what_the_new_topic_refuses_goes_to_it_under_a_new_sequence) {
  World w;
  w.ready_on(1);
  w.send("a");
  w.refuse(ION_E_CONFLICT, "TOPIC_RECREATED");
  w.wait(seconds(1));
  EXPECT_TRUE(w.sent.empty()) << "nothing goes out under an id that is known to be old";
  const int asked = w.identity_asked;
  w.topic(2, 1);
  EXPECT_EQ(w.core.topic_id(), id(2));
  EXPECT_EQ(w.identity_asked, asked + 1);
  w.identity(8);
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(ProducerFixture::header(w.sent[0]).producer.v, 8);
  EXPECT_EQ(ProducerFixture::header(w.sent[0]).base_sequence, 0);
  w.ack(0);
  EXPECT_EQ(w.delivered(), Strings{"a"});
  ASSERT_EQ(w.events.size(), 1u) << "it is told once";
  EXPECT_NE(w.events[0].find(id(2).text()), std::string::npos);
}

TEST(TopicIdentity, batches_keep_their_order_over_the_change) {
  World w;
  w.ready_on(1);
  for (const char c : {'a', 'b', 'c'}) w.send(std::string(300'000, c));
  w.refuse(ION_E_CONFLICT, "TOPIC_RECREATED");
  w.topic(2, 1);  // two answers are still open: they are of the old topic
  w.sent.clear();
  w.identity(8);
  std::string order;
  while (!w.sent.empty()) {
    order += ProducerFixture::values(w.sent[0]).at(0).at(0);
    w.ack();
  }
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(w.outcomes.size(), 3u);
}

TEST(TopicIdentity, another_number_of_partitions_fails_what_was_under_way_and_later_records_go_on) {
  for (const int count : {1, 5}) {
    World w;
    w.ready_on(3);
    w.send("a", {}, 2);
    w.refuse(ION_E_CONFLICT, "TOPIC_RECREATED");
    w.topic(2, count);
    ASSERT_EQ(w.outcomes.size(), 1u);
    EXPECT_EQ(w.outcomes[0].status.reason(), "TOPIC_RECREATED");
    w.send("b", "key");
    w.identity(8);
    w.ack(0);
    EXPECT_EQ(w.delivered(), Strings{"b"});
    EXPECT_EQ(w.try_send("c", {}, count).reason(), "PARTITION_NOT_FOUND");
  }
}

TEST(TopicIdentity, metadata_that_still_shows_the_old_topic_is_asked_again) {
  World w;
  w.ready_on(1);
  w.send("a");
  w.refuse(ION_E_CONFLICT, "TOPIC_RECREATED");
  const int asked = w.metadata_asked;
  w.topic(1, 1);
  EXPECT_TRUE(w.sent.empty());
  w.wait(seconds(1));
  EXPECT_EQ(w.metadata_asked, asked + 1);
}

TEST(TopicIdentity, a_topic_that_is_gone_for_good_fails_what_was_under_way) {
  World w;
  w.ready_on(1);
  w.send("a");
  w.refuse(ION_E_CONFLICT, "TOPIC_RECREATED");
  const produce::MetadataFailed gone{{Status(ION_E_NOT_FOUND, "no such topic", "TOPIC_NOT_FOUND"), false, {}, {}}, 0};
  w.tell(gone);
  w.wait(seconds(1));
  w.tell(gone);
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.reason(), "TOPIC_NOT_FOUND");
}

TEST(TopicIdentity, a_producer_without_sequences_goes_on_too) {
  ProducerLimits limits;
  limits.promise = ProducerLimits::Promise::kPlain;
  World w(limits);
  w.send("first");
  w.topic(1, 1);
  w.up(Lane::kBulk);
  w.ack();
  w.send("a");
  w.refuse(ION_E_CONFLICT, "TOPIC_RECREATED");
  w.topic(2, 1);
  w.ack(0);
  EXPECT_EQ(w.delivered(), (Strings{"first", "a"}));
}

TEST(TopicIdentity, a_producer_that_wants_no_answers_hears_that_its_topic_is_another_one) {
  ProducerLimits limits;
  limits.promise = ProducerLimits::Promise::kUnanswered;
  World w(limits);
  w.send("a");
  w.topic(1, 1);
  w.up(Lane::kBulk);
  const produce::Send s = w.take();
  w.tell(produce::Written{s.partition, s.correlation});
  EXPECT_EQ(w.delivered(), Strings{"a"}) << "to be written is all that was wanted";
  w.answer(s, -1, Failure{Status(ION_E_CONFLICT, "another topic", "TOPIC_RECREATED"), false, {}, {}});
  w.send("b");
  EXPECT_TRUE(w.sent.empty()) << "it would be refused, too";
  w.topic(2, 1);
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(w.core.topic_id(), id(2));
  EXPECT_EQ(w.outcomes.size(), 1u) << "an answer changes no outcome";
}

struct Reading {
  explicit Reading(ReaderOptions o) : core(with_topic(std::move(o))) { tell(read::Started{}); }
  static ReaderOptions with_topic(ReaderOptions o) {
    o.topic = "orders";
    return o;
  }
  void tell(const read::Event& event) {
    read::Actions a = core.step(event, now);
    metadata_asked += a.fetch_metadata;
    if (!a.recreated.empty()) events.push_back(a.recreated);
    for (const auto& s : a.subscribe) subscribed.push_back(s);
    for (const uint64_t c : a.cancel) cancelled.push_back(c);
    notices += a.notices.size();
  }
  void wait(Nanos n) {
    const Instant end = now + n;
    for (int i = 0; i < 100'000 && core.wake_at() <= end; ++i) {
      now = std::max(now + nanoseconds(1), core.wake_at());
      tell(read::Tick{});
    }
    now = end;
  }
  void topic(uint64_t n) { tell(read::MetadataArrived{{{{0}, "broker-a:1"}}, id(n)}); }
  void refuse(const Status& why = {ION_E_CONFLICT, "another topic", "TOPIC_RECREATED"}) {
    read::FrameArrived e;
    e.stream = subscribed.back().stream, e.partition = {0};
    e.failure = Failure{why, false, {}, {}};
    tell(e);
  }
  void bounds(int64_t start, int64_t end) { tell(read::OffsetsArrived{{{{0}, {start}, {end}}}}); }

  ReaderCore core;
  Instant now{1'000'000'000};
  std::vector<read::Subscribe> subscribed;
  std::vector<uint64_t> cancelled;
  std::vector<std::string> events;
  int metadata_asked = 0;
  size_t notices = 0;
};
const Status kGone(ION_E_NOT_FOUND, "topic 'orders' is not there", "TOPIC_NOT_FOUND");

ReaderOptions from(int64_t offset, Reset reset) {
  ReaderOptions o;
  o.from = ReaderOptions::From::kOffset;
  o.offset = offset;
  o.reset = reset;
  return o;
}

TEST(TopicIdentity, a_subscription_names_the_topic_that_is_meant) {
  Reading r(from(7, Reset::kFail));
  r.topic(1);
  ASSERT_EQ(r.subscribed.size(), 1u);
  EXPECT_EQ(r.subscribed[0].topic_id, id(1));
}

TEST(TopicIdentity, a_reader_ends_with_a_clear_error_unless_told_otherwise) {
  Reading r(from(7, Reset::kFail));
  r.topic(1);
  r.refuse();
  EXPECT_TRUE(r.core.failed().ok()) << "metadata is asked first";
  r.topic(2);
  EXPECT_EQ(r.core.failed().code(), ION_E_CONFLICT);
  EXPECT_EQ(r.core.failed().reason(), "TOPIC_RECREATED");
}

TEST(TopicIdentity, a_reader_with_a_reset_begins_anew_and_tells) {
  for (const auto& [reset, expected] : {std::pair{Reset::kStart, int64_t{3}}, std::pair{Reset::kEnd, int64_t{9}}}) {
    Reading r(from(700, reset));
    r.topic(1);
    const uint64_t old = r.subscribed.back().stream;
    r.topic(2);
    EXPECT_EQ(r.cancelled, std::vector<uint64_t>{old});
    r.bounds(3, 9);
    ASSERT_EQ(r.subscribed.size(), 2u);
    EXPECT_EQ(r.subscribed[1].parts.at(0).offset.v, expected) << "the offset that was asked for is not of this topic";
    EXPECT_EQ(r.subscribed[1].topic_id, id(2));
    EXPECT_EQ(r.events.size(), 1u);
  }
}

TEST(TopicIdentity, a_reader_of_a_topic_that_is_deleted_ends_with_one_error_and_gives_up_no_partition_before) {
  for (const auto on_lost : {ReaderOptions::OnLost::kFail, ReaderOptions::OnLost::kGoOn}) {
    ReaderOptions o = from(7, Reset::kFail);
    o.on_lost = on_lost;
    Reading r(o);
    r.topic(1);
    const int asked = r.metadata_asked;
    r.refuse(kGone);
    EXPECT_EQ(r.metadata_asked, asked + 1) << "whether the topic or the partition is gone is asked first";
    EXPECT_TRUE(r.core.failed().ok());
    const read::AskFailed gone{{kGone, false, {}, {}}, 0};
    r.tell(gone);
    r.wait(seconds(1));
    EXPECT_EQ(r.subscribed.size(), 1u) << "nobody is asked for records while that is open";
    EXPECT_EQ(r.metadata_asked, asked + 2) << "one answer is not believed";
    r.tell(gone);
    EXPECT_EQ(r.core.failed().reason(), "TOPIC_NOT_FOUND");
    EXPECT_EQ(r.core.failed().message(), "topic 'orders' was deleted while it was read");
    EXPECT_TRUE(r.core.lost().empty());
    EXPECT_EQ(r.notices, 0u);
  }
}

TEST(TopicIdentity, a_partition_that_is_not_found_twice_in_a_topic_that_is_there_is_the_end_of_its_reader) {
  Reading r(from(7, Reset::kFail));
  r.topic(1);
  r.refuse(kGone);
  r.topic(1);
  r.wait(seconds(1));
  ASSERT_EQ(r.subscribed.size(), 2u);
  r.refuse(kGone);
  EXPECT_EQ(r.core.failed().message(), kGone.message());
}

TEST(TopicIdentity, a_reader_that_cannot_learn_whether_its_topic_is_gone_ends_with_its_patience) {
  ReaderOptions o = from(7, Reset::kFail);
  o.unreachable_timeout = seconds(10);
  Reading r(o);
  r.topic(1);
  r.refuse(kGone);
  r.wait(seconds(11));
  EXPECT_EQ(r.core.failed().reason(), "UNREACHABLE");
}

TEST(TopicIdentity, a_range_of_the_old_topic_is_not_read_from_the_new_one) {
  ReaderOptions o = from(0, Reset::kStart);
  o.offsets = {{0, 2, 5}};
  Reading r(o);
  r.topic(1);
  r.topic(2);
  EXPECT_EQ(r.core.failed().reason(), "TOPIC_RECREATED");
}

}  // namespace
}  // namespace ion::client
