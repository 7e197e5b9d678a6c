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

struct Broker : World {
  Broker(uint64_t record, uint64_t batch, uint64_t message = 0) {
    ready();
    learn({record, batch, message});
  }
  void learn(BrokerLimits told) {
    produce::MetadataArrived e;
    e.partitions = {{{0}, "broker-a:1"}};
    e.limits = told;
    tell(e);
  }
};

TEST(ProducerLimits, bundles_are_no_larger_than_the_broker_takes_them) {
  for (const auto& [batch, message] : {std::pair<uint64_t, uint64_t>{64 << 10, 0}, {16 << 20, 72 << 10}}) {
    Broker w(32 << 10, batch, message);
    for (int i = 0; i < 3000; ++i) w.send(std::string(100, 'x'));
    while (!w.sent.empty()) {
      EXPECT_LE(w.sent.front().bytes->size(), 64u << 10);
      w.ack();
    }
    EXPECT_EQ(w.delivered().size(), 3000u);
  }
}

TEST(ProducerLimits, a_record_that_the_broker_takes_goes_alone_beyond_our_own_batch_limit) {
  Broker w(4 << 20, 16 << 20);
  w.send(std::string(2 << 20, 'x'));
  w.ack();
  EXPECT_EQ(w.delivered().size(), 1u);
}

TEST(ProducerLimits, a_record_that_the_broker_does_not_take_is_refused_with_both_sides_limits) {
  Broker w(32 << 10, 64 << 10);
  const Status s = w.try_send(std::string(40'000, 'x'));
  EXPECT_EQ(s.reason(), "RECORD_TOO_LARGE");
  for (const char* number : {"32768", "65536", "1048576"}) EXPECT_NE(s.message().find(number), std::string::npos) << s.message();
}

TEST(ProducerLimits, a_record_that_waited_for_metadata_meets_the_same_limit) {
  World w;
  w.send(std::string(40'000, 'x'));
  produce::MetadataArrived e;
  e.partitions = {{{0}, "broker-a:1"}};
  e.limits = {32 << 10, 64 << 10, 0};
  w.tell(e);
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.reason(), "RECORD_TOO_LARGE");
}

TEST(ProducerLimits, a_refused_bundle_goes_again_in_halves_under_the_same_sequences) {
  World w;
  w.ready();
  w.send("lone");
  for (const char* v : {"a", "b", "c"}) w.send(v);
  w.ack();
  ASSERT_EQ(w.sent.size(), 1u);
  const int32_t sequence = World::header(w.sent[0]).base_sequence;
  w.refuse(ION_E_INVALID, "RECORD_TOO_LARGE");
  ASSERT_EQ(w.sent.size(), 2u);
  EXPECT_EQ(World::values(w.sent[0]), std::vector<std::string>{"a"});
  EXPECT_EQ(World::values(w.sent[1]), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(World::header(w.sent[0]).base_sequence, sequence);
  EXPECT_EQ(World::header(w.sent[1]).base_sequence, sequence + 1);
  w.ack();
  w.ack();
  EXPECT_EQ(w.delivered(), (std::vector<std::string>{"lone", "a", "b", "c"}));
  EXPECT_EQ(w.core.records(), 0u);
}

TEST(ProducerLimits, one_record_that_is_too_large_fails_alone) {
  World w;
  w.ready();
  w.send("lone");
  for (const char* v : {"a", "LARGE", "c"}) w.send(v);
  w.ack();
  for (int i = 0; i < 20 && w.outcomes.size() < 4; ++i) {
    if (w.sent.empty()) {
      w.identity(9 + i);  // behind the hole a new identity is wanted
      continue;
    }
    const auto values = World::values(w.sent.front());
    if (std::find(values.begin(), values.end(), "LARGE") != values.end()) w.refuse(ION_E_INVALID, "RECORD_TOO_LARGE");
    else if (w.sent.front().partition.v == 0 && World::header(w.sent.front()).producer.v == 7 && World::values(w.sent.front())[0] == "c") w.refuse(ION_E_FENCED, "OUT_OF_SEQUENCE");
    else w.ack();
  }
  ASSERT_EQ(w.outcomes.size(), 4u);
  for (const auto& o : w.outcomes) EXPECT_EQ(o.status.ok(), o.value != "LARGE") << o.value;
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
