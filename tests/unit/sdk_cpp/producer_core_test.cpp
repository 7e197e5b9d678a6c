// The client rules of sending: idle partitions send at once, busy ones gather; order, lanes, windows, partitions.
#include <ion/key_partition.h>

#include "producer_fixture.h"


namespace ion::client {
namespace {

using World = ProducerFixture;
using Strings = std::vector<std::string>;

TEST(ProducerCore, metadata_that_is_half_a_minute_old_is_asked_for_again_by_the_next_record_and_nothing_waits_for_it) {
  World w;
  w.ready();
  const int before = w.metadata_asked;
  w.now = w.now + seconds(29);
  w.send("a");
  EXPECT_EQ(w.metadata_asked, before);
  EXPECT_FALSE(w.try_send("b", {}, 2).ok()) << "there is one partition";
  w.now = w.now + seconds(2);
  w.send("c");
  EXPECT_EQ(w.metadata_asked, before + 1);
  w.send("d");
  EXPECT_EQ(w.metadata_asked, before + 1) << "once";
  w.partitions(3);
  EXPECT_TRUE(w.try_send("e", {}, 2).ok());
  EXPECT_EQ(w.metadata_asked, before + 1) << "it is new again";
}

TEST(ProducerCore, asks_for_metadata_and_an_identity_before_the_first_send) {
  World w;
  ASSERT_TRUE(w.try_send("a").ok());
  EXPECT_EQ(w.metadata_asked, 1);
  EXPECT_EQ(w.identity_asked, 1);
  ASSERT_TRUE(w.try_send("b").ok());
  EXPECT_EQ(w.metadata_asked, 1) << "once";
  w.partitions(1);
  EXPECT_TRUE(w.sent.empty());
  w.identity();
  EXPECT_EQ(w.opened.size(), 2u) << "a bulk and a latency link";
  w.up(Lane::kBulk);
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(World::values(w.sent[0]), (Strings{"a", "b"}));
}

TEST(ProducerCore, an_idle_partition_sends_even_one_record_at_once) {
  World w;
  w.ready();
  w.send("x");
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(World::values(w.sent[0]), Strings{"x"});
  EXPECT_EQ(w.sent[0].link.lane, Lane::kLatency) << "a lone small batch takes the latency connection";
}

TEST(ProducerCore, a_busy_partition_gathers_until_an_ack_returns) {
  World w;
  w.ready();
  w.send("a");
  w.send("b");
  w.send("c");
  ASSERT_EQ(w.sent.size(), 1u);
  w.ack();
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(World::values(w.sent[0]), (Strings{"b", "c"}));
  EXPECT_EQ(w.delivered(), Strings{"a"});
}

TEST(ProducerCore, a_busy_partition_sends_when_linger_has_passed) {
  World w;
  w.ready();
  w.send(std::string(20'000, 'a'));  // bulk
  w.send("b");
  w.wait(milliseconds(4));
  EXPECT_EQ(w.sent.size(), 1u);
  w.wait(milliseconds(1));
  ASSERT_EQ(w.sent.size(), 2u);
  EXPECT_EQ(World::values(w.sent[1]), Strings{"b"});
}

TEST(ProducerCore, a_busy_partition_sends_when_a_ready_batch_is_there) {
  World w;
  w.ready();
  w.send(std::string(20'000, 'a'));
  for (int i = 0; i < 26; ++i) w.send(std::string(10'000, 'b'));
  EXPECT_EQ(w.sent.size(), 1u);
  w.send(std::string(10'000, 'b'));
  ASSERT_EQ(w.sent.size(), 2u);
  EXPECT_GE(w.sent[1].bytes->size(), w.limits.batch_bytes_ready);
}

TEST(ProducerCore, a_batch_in_flight_on_the_latency_link_is_alone) {
  World w;
  w.ready();
  w.send("a");
  for (int i = 0; i < 40; ++i) w.send(std::string(10'000, 'b'));
  w.wait(milliseconds(50));
  EXPECT_EQ(w.sent.size(), 1u) << "else two connections would race";
  w.ack();
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(w.sent[0].link.lane, Lane::kBulk);
}

TEST(ProducerCore, has_at_most_five_batches_in_flight_per_partition) {
  World w;
  w.ready();
  for (int i = 0; i < 8; ++i) {
    w.send(std::string(270'000, static_cast<char>('a' + i)));
  }
  EXPECT_EQ(w.sent.size(), 5u);
  w.ack();
  EXPECT_EQ(w.sent.size(), 5u);
}

TEST(ProducerCore, batches_never_grow_beyond_their_limit) {
  World w;
  w.ready();
  for (int i = 0; i < 300; ++i) w.send(std::string(10'000, 'x'));
  size_t batches = 0;
  while (!w.sent.empty()) {
    EXPECT_LE(w.sent.front().bytes->size(), w.limits.batch_bytes_max);
    ++batches;
    w.ack();
  }
  EXPECT_EQ(w.outcomes.size(), 300u);
  EXPECT_LE(batches, 12u);
}

TEST(ProducerCore, a_connection_has_at_most_its_window_under_way) {
  World w;
  w.ready(8);
  for (int p = 0; p < 8; ++p)
    for (int i = 0; i < 2; ++i) w.send(std::string(500'000, 'x'), {}, p);
  uint64_t under_way = 0;
  for (const auto& s : w.sent) under_way += s.bytes->size();
  EXPECT_LE(under_way, ByteWindow::kStart);
  const size_t first = w.sent.size();
  EXPECT_GE(first, 4u);
  while (!w.sent.empty()) w.ack();
  EXPECT_EQ(w.delivered().size(), 16u) << "whoever was blocked went when there was room";
}

TEST(ProducerCore, keys_choose_the_partition_and_explicit_partitions_win) {
  World w;
  w.ready(12);
  w.send("k", "some-key");
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(w.sent[0].partition, partition_of_key("some-key", 12));
  w.send("p", "some-key", 11);
  EXPECT_EQ(w.sent.back().partition.v, 11);
  EXPECT_EQ(w.try_send("q", {}, 12).reason(), "PARTITION_NOT_FOUND");
  EXPECT_EQ(w.try_send("q", {}, -1).reason(), "PARTITION_NOT_FOUND");
}

TEST(ProducerCore, keyless_records_stick_to_one_partition_per_batch) {
  World w;
  w.ready(3);
  for (int i = 0; i < 3; ++i) w.send("go" + std::to_string(i));  // each idle partition sends at once
  ASSERT_EQ(w.sent.size(), 3u);
  EXPECT_NE(w.sent[0].partition, w.sent[1].partition);
  EXPECT_NE(w.sent[1].partition, w.sent[2].partition);
  for (int i = 0; i < 100; ++i) w.send("more" + std::to_string(i));
  EXPECT_EQ(w.sent.size(), 3u);
  const auto sticky = w.sent[0].partition;
  w.ack();
  ASSERT_EQ(w.sent.size(), 3u);
  EXPECT_EQ(w.sent.back().partition, sticky);
  EXPECT_EQ(World::values(w.sent.back()).size(), 100u) << "all of them gathered in one batch";
}

TEST(ProducerCore, sequences_count_records_per_partition) {
  World w;
  w.send("a"), w.send("b");
  w.partitions(1), w.identity(42), w.up(Lane::kBulk);
  w.send("c");
  EXPECT_EQ(World::header(w.sent[0]).base_sequence, 0);
  EXPECT_EQ(World::header(w.sent[0]).producer.v, 42);
  w.ack();
  EXPECT_EQ(World::header(w.sent[0]).base_sequence, 2);
}

TEST(ProducerCore, receipts_name_offset_time_and_log) {
  World w;
  w.ready();
  w.send("a"), w.send("b"), w.send("c");
  w.ack(100);
  w.ack(101);
  ASSERT_EQ(w.outcomes.size(), 3u);
  EXPECT_EQ(w.outcomes[1].receipt.offset.v, 101);
  EXPECT_EQ(w.outcomes[2].receipt.offset.v, 102);
  EXPECT_EQ(w.outcomes[2].receipt.timestamp, w.wall);
  EXPECT_EQ(w.outcomes[2].receipt.log.v, 3u);
  EXPECT_EQ(w.outcomes[2].receipt.id(), message_id::make(w.wall, {102}, {3}));
}

TEST(ProducerCore, records_that_an_interceptor_took_out_are_told_one_by_one) {
  World w;
  w.ready();
  w.send("kept"), w.send("a"), w.send("dropped"), w.send("rejected"), w.send("b");
  w.ack();
  produce::Ack a;
  a.correlation = w.take().correlation, a.partition = {0}, a.base_offset = {100};
  a.not_stored = {{1, Status()}, {2, Status(ION_E_REJECTED, "too blue")}, {99, Status()}};
  w.tell(produce::Acked{{a}, 0});
  ASSERT_EQ(w.outcomes.size(), 5u);
  EXPECT_EQ(w.outcomes[1].receipt.offset.v, 100);
  EXPECT_TRUE(w.outcomes[2].receipt.dropped);
  EXPECT_EQ(w.outcomes[2].receipt.offset.v, -1);
  EXPECT_EQ(w.outcomes[3].status.code(), ION_E_REJECTED);
  EXPECT_EQ(w.outcomes[4].receipt.offset.v, 103) << "the others keep the offsets that they would have had";
}

TEST(ProducerCore, of_a_refused_batch_the_record_that_was_meant_and_the_others_hear_different_words) {
  World w;
  w.ready();
  w.send("first"), w.send("a"), w.send("rejected"), w.send("b");
  w.ack();
  produce::Ack a;
  a.correlation = w.take().correlation, a.partition = {0};
  a.failure = Failure{Status(ION_E_REJECTED, "guard: too blue", "INTERCEPTOR"), false, {}, {}};
  a.not_stored = {{1, Status(ION_E_REJECTED, "guard: too blue", "INTERCEPTOR")}};
  w.tell(produce::Acked{{a}, 0});
  ASSERT_EQ(w.outcomes.size(), 4u);
  EXPECT_EQ(w.outcomes[2].status.message(), "guard: too blue");
  for (const size_t other : {1, 3}) {
    EXPECT_EQ(w.outcomes[other].status.code(), ION_E_REJECTED);
    EXPECT_EQ(w.outcomes[other].status.message(), "its batch was refused because of another record: guard: too blue");
  }
}

TEST(ProducerCore, a_routed_batch_names_its_topic_in_the_receipts) {
  World w;
  w.ready();
  w.send("a");
  produce::Ack a;
  a.correlation = w.take().correlation, a.partition = {0}, a.base_offset = {5}, a.routed_topic = "other", a.routed_partition = {2};
  w.tell(produce::Acked{{a}, 0});
  EXPECT_EQ(w.outcomes.at(0).receipt.routed_topic, "other");
  EXPECT_EQ(w.outcomes.at(0).receipt.partition.v, 2);
}

TEST(ProducerCore, an_append_time_wins_over_the_records_own) {
  World w;
  w.ready();
  w.send("a");
  produce::Ack a;
  a.correlation = w.take().correlation, a.partition = {0}, a.base_offset = {5}, a.append_time = WallMs{99};
  w.tell(produce::Acked{{a}, 0});
  EXPECT_EQ(w.outcomes.at(0).receipt.timestamp.ms, 99);
}

TEST(ProducerCore, a_flush_sends_what_is_gathered_and_knows_when_it_is_through) {
  World w;
  w.ready();
  w.send(std::string(20'000, 'a'));
  w.send("b");
  w.tell(produce::FlushAsked{});
  const uint64_t generation = w.core.generation();
  EXPECT_EQ(w.sent.size(), 2u) << "without waiting for linger";
  w.send("later");
  w.ack();
  EXPECT_FALSE(w.core.flushed(generation));
  w.ack();
  EXPECT_TRUE(w.core.flushed(generation)) << "records sent after the flush do not count";
}

TEST(ProducerCore, unanswered_producers_are_done_when_the_bytes_are_out) {
  ProducerLimits limits;
  limits.promise = ProducerLimits::Promise::kUnanswered;
  World w(limits);
  w.send("a");
  w.partitions(1);
  w.up(Lane::kBulk);
  EXPECT_EQ(w.identity_asked, 0);
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(World::header(w.sent[0]).producer.v, -1);
  w.tell(produce::Written{w.sent[0].partition, w.sent[0].correlation});
  ASSERT_EQ(w.delivered(), Strings{"a"});
  EXPECT_EQ(w.outcomes[0].receipt.offset.v, -1);
  EXPECT_EQ(w.core.records(), 0u);
}

TEST(ProducerCore, equal_events_give_equal_actions) {
  const auto run = [] {
    World w;
    w.ready(3);
    std::string trace;
    for (int i = 0; i < 200; ++i) {
      w.send("v" + std::to_string(i), i % 3 == 0 ? std::optional<std::string_view>("k") : std::nullopt);
      if (i % 7 == 0 && !w.sent.empty()) w.ack();
      if (i % 31 == 0) w.wait(milliseconds(3));
      if (i % 97 == 0) w.down(Lane::kBulk), w.up(Lane::kBulk);
    }
    for (const auto& s : w.sent) trace += std::to_string(s.partition.v) + ":" + std::to_string(World::header(s).crc) + " ";
    return trace;
  };
  EXPECT_EQ(run(), run());
}

TEST(ProducerCore, null_of_a_header_a_key_and_a_value_is_not_empty) {
  World w;
  const Header headers[] = {{"null", {}}, {"empty", ""}, {"full", "x"}};
  const auto send = [&] {
    Record record;
    record.headers = headers;
    OnDelivered done;
    produce::Actions out;
    ASSERT_TRUE(w.core.append(record, done, w.now, w.wall, out).ok());
    w.obey(std::move(out));
  };
  send();  // waits for metadata
  w.partitions(1), w.identity(), w.up(Lane::kBulk);
  send();
  for (int i = 0; i < 2; ++i) {
    const produce::Send s = w.sent.front();
    w.ack();
    auto reader = batch::RecordReader::open(*s.bytes);
    const auto record = *reader->next();
    EXPECT_FALSE(record->key || record->value);
    batch::HeaderReader items(*record);
    EXPECT_FALSE(items.next()->value);
    EXPECT_TRUE(items.next()->value);
    EXPECT_EQ(text_of(*items.next()->value), "x");
  }
}

}  // namespace
}  // namespace ion::client
