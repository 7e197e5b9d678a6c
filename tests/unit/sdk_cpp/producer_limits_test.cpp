// Bounds, deadlines and what is refused before anything is sent.
#include "producer_fixture.h"

namespace ion::client {
namespace {

using World = ProducerFixture;

TEST(ProducerLimits, memory_is_bounded_in_records) {
  ProducerLimits limits;
  limits.memory_records_max = 3;
  World w(limits);
  EXPECT_TRUE(w.try_send("a").ok());
  EXPECT_TRUE(w.try_send("b").ok());
  EXPECT_TRUE(w.try_send("c").ok());
  const Status full = w.try_send("d");
  EXPECT_EQ(full.code(), ION_E_OVERLOADED);
  EXPECT_EQ(full.reason(), "MEMORY_FULL");
  w.partitions(1), w.identity(), w.up(Lane::kBulk);
  w.ack();
  EXPECT_TRUE(w.try_send("d").ok());
  EXPECT_EQ(w.outcomes.size(), 3u) << "the refused one was never promised anything";
}

TEST(ProducerLimits, memory_is_bounded_in_bytes_and_given_back) {
  ProducerLimits limits;
  limits.memory_bytes_max = limits.batch_bytes_max;
  World w(limits);
  w.ready();
  int taken = 0;
  while (w.try_send(std::string(100'000, 'x')).ok()) ++taken;
  EXPECT_EQ(taken, 10);
  while (!w.sent.empty()) w.ack();
  EXPECT_EQ(w.core.records(), 0u);
  EXPECT_TRUE(w.try_send(std::string(1'000'000, 'x')).ok());
}

TEST(ProducerLimits, a_record_larger_than_a_batch_is_refused_with_both_sizes) {
  World w;
  w.ready();
  const Status s = w.try_send(std::string(2 << 20, 'x'));
  EXPECT_EQ(s.code(), ION_E_INVALID);
  EXPECT_EQ(s.reason(), "RECORD_TOO_LARGE");
  EXPECT_NE(s.message().find("1048576"), std::string::npos) << s.message();
  EXPECT_TRUE(w.try_send("small").ok()) << "and harms nobody else";
}

TEST(ProducerLimits, a_timestamp_outside_48_bits_is_refused) {
  World w;
  Record r;
  r.value = "v";
  r.timestamp = WallMs{-1};
  OnDelivered done;
  produce::Actions out;
  EXPECT_EQ(w.core.append(r, done, w.now, w.wall, out).code(), ION_E_INVALID);
}

TEST(ProducerLimits, a_record_that_was_never_sent_says_so_after_the_delivery_timeout) {
  World w;
  w.send("a");
  w.tell(produce::MetadataFailed{{Status(ION_E_CLOSED, "connection refused", "UNREACHABLE"), true, {}, {}}, UINT64_MAX});
  w.wait(seconds(119));
  EXPECT_TRUE(w.outcomes.empty());
  EXPECT_GE(w.metadata_asked, 2);
  w.wait(seconds(1));
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.code(), ION_E_DEADLINE);
  EXPECT_EQ(w.outcomes[0].status.reason(), "TIMED_OUT");
  EXPECT_NE(w.outcomes[0].status.message().find("connection refused"), std::string::npos) << w.outcomes[0].status.message();
}

TEST(ProducerLimits, an_error_names_attempts_and_the_last_cause) {
  World w;
  w.ready();
  w.send("a");
  for (int i = 0; i < 3; ++i) {
    w.down(Lane::kLatency, "cable cut");
    w.down(Lane::kBulk, "cable cut");
    w.wait(seconds(1));
    w.up(Lane::kBulk);
  }
  w.down(Lane::kLatency, "cable cut again");
  w.down(Lane::kBulk, "cable cut again");
  w.wait(seconds(121));
  ASSERT_EQ(w.outcomes.size(), 1u);
  const std::string words = w.outcomes[0].status.message();
  EXPECT_NE(words.find("5 attempts"), std::string::npos) << words;
  EXPECT_NE(words.find("cable cut again"), std::string::npos) << words;
}

TEST(ProducerLimits, a_silent_link_is_reset_after_the_request_timeout) {
  World w;
  w.ready();
  w.send("a");
  w.wait(seconds(29));
  EXPECT_TRUE(w.reset.empty());
  w.wait(seconds(1));
  ASSERT_EQ(w.reset.size(), 1u);
  EXPECT_EQ(w.reset[0].lane, Lane::kLatency);
  w.wait(seconds(5));
  EXPECT_EQ(w.reset.size(), 1u) << "once";
}

TEST(ProducerLimits, an_unknown_topic_is_asked_for_twice_and_then_fails_what_waits_for_it) {
  World w;
  const Failure unknown{Status(ION_E_NOT_FOUND, "no topic orders", "TOPIC_NOT_FOUND"), false, {}, {}};
  w.send("a");
  w.tell(produce::MetadataFailed{unknown, 0});
  EXPECT_TRUE(w.outcomes.empty());
  w.wait(milliseconds(1));
  EXPECT_EQ(w.metadata_asked, 2);
  w.tell(produce::MetadataFailed{unknown, 0});
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.reason(), "TOPIC_NOT_FOUND");
  w.send("b");
  EXPECT_EQ(w.metadata_asked, 3) << "it may have been made meanwhile";
}

TEST(ProducerLimits, a_closed_producer_fails_what_is_left_and_refuses_the_rest) {
  World w;
  w.ready();
  w.send("a"), w.send("b");
  w.tell(produce::Closed{Status(ION_E_CLOSED, "closed")});
  ASSERT_EQ(w.outcomes.size(), 2u);
  EXPECT_EQ(w.outcomes[0].status.code(), ION_E_CLOSED);
  EXPECT_EQ(w.try_send("c").code(), ION_E_CLOSED);
  EXPECT_EQ(w.core.records(), 0u);
  EXPECT_TRUE(w.core.flushed(w.core.generation()));
}

TEST(ProducerLimits, an_idle_core_asks_for_no_tick) {
  World w;
  w.ready();
  w.send("a");
  w.ack();
  w.wait(seconds(300));
  EXPECT_EQ(w.core.wake_at(), ProducerCore::kNever);
}

}  // namespace
}  // namespace ion::client
