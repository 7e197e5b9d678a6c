// Idempotence: the same bytes, the same sequence, in order, over lost links, lost acks and refusals.
#include "producer_fixture.h"

namespace ion::client {
namespace {

using World = ProducerFixture;
using Strings = std::vector<std::string>;

// Three batches in flight on the bulk link.
struct ThreeInFlight : World {
  ThreeInFlight() {
    ready();
    for (const char c : {'a', 'b', 'c'}) send(std::string(300'000, c));
    EXPECT_EQ(sent.size(), 3u);
    wire.assign(sent.begin(), sent.end());
  }
  std::vector<produce::Send> wire;
  static char letter(const produce::Send& s) { return values(s).at(0).at(0); }
};

TEST(ProducerRetry, after_a_lost_link_all_batches_go_again_in_order_with_the_same_bytes) {
  ThreeInFlight w;
  w.down(Lane::kBulk);
  w.wait(milliseconds(100));
  w.up(Lane::kBulk);
  ASSERT_EQ(w.sent.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(w.sent[i].bytes, w.wire[i].bytes) << "not a byte is built anew";
    EXPECT_NE(w.sent[i].correlation, w.wire[i].correlation);
  }
  EXPECT_EQ(w.core.retries(), 3u);
}

TEST(ProducerRetry, a_duplicate_is_a_success_with_its_original_offset) {
  ThreeInFlight w;
  w.down(Lane::kBulk);
  w.wait(seconds(1));
  w.up(Lane::kBulk);
  w.ack(40);  // stored before the link was lost: the broker says where
  w.ack(41);
  w.ack(42);
  ASSERT_EQ(w.outcomes.size(), 3u);
  EXPECT_EQ(w.outcomes[0].receipt.offset.v, 40);
  EXPECT_EQ(w.outcomes[2].receipt.offset.v, 42);
}

TEST(ProducerRetry, an_ack_of_an_earlier_attempt_is_not_believed) {
  ThreeInFlight w;
  w.down(Lane::kBulk);
  w.wait(seconds(1));
  w.up(Lane::kBulk);
  w.answer(w.wire[0], 77, {});
  EXPECT_TRUE(w.outcomes.empty());
}

TEST(ProducerRetry, new_batches_wait_until_the_old_ones_are_sent_again) {
  ThreeInFlight w;
  w.down(Lane::kBulk);
  w.send(std::string(300'000, 'd'));
  EXPECT_TRUE(w.sent.empty());
  w.wait(seconds(1));
  w.up(Lane::kBulk);
  while (!w.sent.empty()) w.ack();
  Strings order;
  for (const auto& o : w.outcomes) order.push_back(o.value.substr(0, 1));
  EXPECT_EQ(order, (Strings{"a", "b", "c", "d"}));
}

TEST(ProducerRetry, a_refused_batch_and_its_followers_go_again_in_order_when_all_are_answered) {
  ThreeInFlight w;
  w.refuse(ION_E_OVERLOADED);
  w.wait(seconds(1));
  EXPECT_EQ(w.sent.size(), 2u) << "two answers are still open";
  w.refuse(ION_E_FENCED, "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.sent.size(), 1u);
  w.refuse(ION_E_FENCED, "OUT_OF_SEQUENCE");
  ASSERT_EQ(w.sent.size(), 3u);
  EXPECT_EQ(ThreeInFlight::letter(w.sent[0]), 'a');
  EXPECT_EQ(ThreeInFlight::letter(w.sent[2]), 'c');
  EXPECT_TRUE(w.outcomes.empty());
  EXPECT_TRUE(w.core.fatal().ok());
}

TEST(ProducerRetry, waits_as_long_as_the_broker_asks) {
  World w;
  w.ready();
  w.send("a");
  w.refuse(ION_E_OVERLOADED, "QUOTA_EXCEEDED", seconds(3));
  w.wait(milliseconds(2999));
  EXPECT_TRUE(w.sent.empty());
  w.wait(milliseconds(1));
  EXPECT_EQ(w.sent.size(), 1u);
}

TEST(ProducerRetry, a_sequence_error_without_a_hole_is_fatal_to_the_producer) {
  ThreeInFlight w;
  w.refuse(ION_E_FENCED, "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.core.fatal().reason(), "OUT_OF_SEQUENCE");
  ASSERT_EQ(w.outcomes.size(), 3u);
  for (const auto& o : w.outcomes) EXPECT_EQ(o.status.reason(), "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.try_send("more").reason(), "OUT_OF_SEQUENCE");
}

TEST(ProducerRetry, a_fenced_producer_stays_fenced) {
  World w;
  w.ready();
  w.send("a");
  w.refuse(ION_E_FENCED, "PRODUCER_FENCED");
  EXPECT_EQ(w.core.fatal().code(), ION_E_FENCED);
  EXPECT_EQ(w.try_send("b").code(), ION_E_FENCED);
}

TEST(ProducerRetry, followers_of_a_batch_that_failed_for_good_go_again_under_a_new_identity) {
  ThreeInFlight w;
  w.refuse(ION_E_REJECTED);
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.code(), ION_E_REJECTED);
  w.refuse(ION_E_FENCED, "OUT_OF_SEQUENCE");
  w.refuse(ION_E_FENCED, "OUT_OF_SEQUENCE");
  EXPECT_TRUE(w.core.fatal().ok());
  EXPECT_TRUE(w.sent.empty());
  EXPECT_EQ(w.identity_asked, 2);
  w.identity(8);
  ASSERT_EQ(w.sent.size(), 2u);
  EXPECT_EQ(ThreeInFlight::letter(w.sent[0]), 'b');
  EXPECT_EQ(World::header(w.sent[0]).producer.v, 8);
  EXPECT_EQ(World::header(w.sent[0]).base_sequence, 0);
  EXPECT_EQ(World::header(w.sent[1]).base_sequence, 1);
  const ion_buf part = borrowed(*w.sent[1].bytes);
  EXPECT_TRUE(batch::check({&part, 1}, 1 << 20, batch::From::kClient)) << "the new header has a new checksum";
  w.ack(), w.ack();
  EXPECT_EQ(w.delivered().size(), 2u);
}

TEST(ProducerRetry, a_batch_whose_outcome_stays_unknown_breaks_the_session_but_not_the_producer) {
  World w;
  w.ready();
  w.send("a");
  w.down(Lane::kLatency);
  w.down(Lane::kBulk);
  w.wait(seconds(121));
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.code(), ION_E_DEADLINE);
  w.send("b");
  w.up(Lane::kBulk);
  EXPECT_TRUE(w.sent.empty()) << "the old sequence may have a hole";
  w.identity(8);
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(World::header(w.sent[0]).producer.v, 8);
}

TEST(ProducerRetry, other_partitions_keep_their_identity_when_one_breaks) {
  World w;
  w.ready(2);
  w.send("a", {}, 0);
  w.send("b", {}, 1);
  const int64_t before = World::header(w.sent[1]).producer.v;
  w.refuse(ION_E_REJECTED);
  w.ack();
  w.send("c", {}, 1);
  EXPECT_EQ(World::header(w.sent.back()).producer.v, before);
  w.send("d", {}, 0);
  EXPECT_EQ(w.sent.size(), 1u);
  w.identity(8);
  ASSERT_EQ(w.sent.size(), 2u);
  EXPECT_EQ(World::header(w.sent.back()).producer.v, 8);
}

TEST(ProducerRetry, a_plain_producer_does_not_repeat_an_unknown_outcome) {
  ProducerLimits limits;
  limits.promise = ProducerLimits::Promise::kPlain;
  World w(limits);
  w.send("a");
  w.partitions(1);
  w.up(Lane::kBulk);
  w.refuse(ION_E_UNKNOWN_OUTCOME);
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.code(), ION_E_UNKNOWN_OUTCOME);
}

TEST(ProducerRetry, a_full_disk_is_told_at_once_and_later_records_are_tried_anew) {
  ThreeInFlight w;
  for (int i = 0; i < 3; ++i) w.refuse(ION_E_NO_SPACE);  // the two behind it could not follow
  ASSERT_EQ(w.outcomes.size(), 3u);
  for (const auto& o : w.outcomes) EXPECT_EQ(o.status.code(), ION_E_NO_SPACE);
  EXPECT_TRUE(w.core.fatal().ok());
  w.send("d");
  w.identity(8);
  ASSERT_EQ(w.sent.size(), 1u);
  w.ack();
  EXPECT_EQ(w.delivered(), Strings{"d"});
}

TEST(ProducerRetry, nothing_that_was_handed_over_behind_a_batch_without_space_is_stored) {
  ThreeInFlight w;
  w.send("gathers");
  w.refuse(ION_E_NO_SPACE);
  ASSERT_EQ(w.outcomes.size(), 2u);
  EXPECT_EQ(w.outcomes[1].value, "gathers");
  EXPECT_EQ(w.outcomes[1].status.code(), ION_E_NO_SPACE);
  w.refuse(ION_E_FENCED, "OUT_OF_SEQUENCE");  // of a broker that does not say why it cannot follow
  w.refuse(ION_E_NO_SPACE);
  w.identity(8);
  w.wait(seconds(10));
  EXPECT_TRUE(w.sent.empty()) << "none goes again";
  ASSERT_EQ(w.outcomes.size(), 4u);
  for (const auto& o : w.outcomes) EXPECT_EQ(o.status.code(), ION_E_NO_SPACE) << o.status.text();
  EXPECT_EQ(w.core.records(), 0u);
}

TEST(ProducerRetry, a_partition_that_is_to_end_without_space_takes_nothing_more_and_the_others_go_on) {
  ProducerLimits limits;
  limits.no_space = NoSpace::kEnd;
  World w(limits);
  w.ready(2);
  w.send("a", {}, 0);
  w.refuse(ION_E_NO_SPACE);
  EXPECT_EQ(w.try_send("b", {}, 0).code(), ION_E_NO_SPACE);
  w.identity(8);
  w.send("c", {}, 1);
  w.ack();
  EXPECT_EQ(w.delivered(), Strings{"c"});
  EXPECT_EQ(w.core.records(), 0u);
}

TEST(ProducerRetry, an_identity_that_a_full_disk_refuses_fails_what_waits_for_it_and_is_asked_for_again_by_the_next_record) {
  World w;
  w.send("a");
  w.partitions(1);
  w.up(Lane::kBulk);
  w.tell(produce::IdentityFailed{{Status(ION_E_NO_SPACE, "the disk is full"), true, {}, {}}, 0});
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_EQ(w.outcomes[0].status.code(), ION_E_NO_SPACE);
  const int asked = w.identity_asked;
  w.send("b");
  EXPECT_EQ(w.identity_asked, asked + 1);
  w.identity();
  w.ack();
  EXPECT_EQ(w.delivered(), Strings{"b"});
}

TEST(ProducerRetry, a_stream_that_the_broker_ends_for_good_fails_its_records_at_once) {
  for (const Code code : {ION_E_FORBIDDEN, ION_E_UNAUTHENTICATED, ION_E_UNSUPPORTED}) {
    ThreeInFlight w;
    w.sent.clear();
    w.tell(produce::LinkDown{{"broker-a:1", Lane::kBulk}, {Status(code, "said the broker"), false, {}, {}}, 0});
    ASSERT_EQ(w.outcomes.size(), 3u) << code_name(code);
    for (const auto& o : w.outcomes) {
      EXPECT_EQ(o.status.code(), ION_E_UNKNOWN_OUTCOME) << "they were sent";
      EXPECT_NE(o.status.message().find("said the broker"), std::string::npos) << o.status.text();
    }
    w.send("d");
    w.wait(seconds(10));
    w.up(Lane::kBulk);
    w.identity(8);
    ASSERT_EQ(w.sent.size(), 1u) << "under a new identity: what became of the old sequence is not known";
    EXPECT_EQ(World::header(w.sent[0]).producer.v, 8);
  }
}

TEST(ProducerRetry, follows_a_leader_that_moved) {
  World w;
  w.ready();
  w.send("a");
  const produce::Send s = w.take();
  const int asked = w.metadata_asked;
  w.answer(s, -1, Failure{Status(ION_E_NOT_LEADER, "not here"), true, {}, "broker-b:1"});
  EXPECT_EQ(w.metadata_asked, asked + 1);
  w.wait(milliseconds(100));
  ASSERT_FALSE(w.opened.empty());
  EXPECT_EQ(w.opened.back().address, "broker-b:1");
  w.up(Lane::kLatency, "broker-b:1");
  ASSERT_EQ(w.sent.size(), 1u);
  EXPECT_EQ(w.sent[0].link.address, "broker-b:1");
  EXPECT_EQ(w.sent[0].bytes, s.bytes);
}

TEST(ProducerRetry, a_stream_that_ends_for_good_holds_up_no_batch_whose_leader_moved) {
  World w;
  w.ready();
  w.send("moved");
  w.wait(seconds(1));
  const LinkId old = w.take().link;
  w.partitions(1, "broker-b:1");
  w.opened.clear();
  w.tell(produce::LinkDown{old, {Status(ION_E_UNAUTHENTICATED, "who are you"), false, {}, {}}, 0});
  EXPECT_TRUE(w.outcomes.empty());
  EXPECT_NE(std::find(w.opened.begin(), w.opened.end(), LinkId{"broker-b:1", Lane::kBulk}), w.opened.end()) << "in the same step, not at the next event";
  w.up(Lane::kBulk, "broker-b:1");
  w.ack();
  EXPECT_EQ(w.delivered(), Strings{"moved"});
}

TEST(ProducerRetry, links_are_opened_again_with_growing_pauses) {
  World w;
  w.ready();
  w.send("a");
  w.down(Lane::kLatency);
  w.down(Lane::kBulk);
  const size_t before = w.opened.size();
  w.tell(produce::LinkDown{{"broker-a:1", Lane::kBulk}, {Status(ION_E_CLOSED, "refused"), true, {}, {}}, UINT64_MAX});
  w.wait(milliseconds(50));
  const size_t soon = w.opened.size();
  w.wait(seconds(5));
  EXPECT_GT(w.opened.size(), before);
  EXPECT_LE(w.opened.size() - soon, 2u) << "one attempt at a time per link: nobody answered the last one";
}

TEST(ProducerRetry, nothing_is_lost_or_doubled_over_a_thousand_accidents) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World w;
    w.ready(2);
    // The broker of this test: per partition the log, and the sequence it expects of a producer.
    std::map<int32_t, Strings> log;
    std::map<std::pair<int32_t, int64_t>, std::pair<int32_t, std::map<int32_t, int64_t>>> producers;
    uint64_t random = seed;
    const auto roll = [&](uint64_t n) { return (random = mix(random, seed)) % n; };
    const auto serve = [&](const produce::Send& s) -> std::pair<int64_t, std::optional<Failure>> {
      const auto h = World::header(s);
      auto& [expected, offsets] = producers[{s.partition.v, h.producer.v}];
      if (const auto known = offsets.find(h.base_sequence); known != offsets.end()) return {known->second, {}};
      if (roll(12) == 0) return {-1, Failure{Status(ION_E_OVERLOADED, "full"), true, {}, {}}};
      if (roll(40) == 0) return {-1, Failure{Status(ION_E_REJECTED, "no"), false, {}, {}}};
      if (h.base_sequence != expected) return {-1, Failure{Status(ION_E_FENCED, "hole", "OUT_OF_SEQUENCE"), false, {}, {}}};
      const auto base = static_cast<int64_t>(log[s.partition.v].size());
      for (const std::string& v : World::values(s)) log[s.partition.v].push_back(v);
      offsets[h.base_sequence] = base;
      expected += h.count;
      return {base, {}};
    };
    producers[{0, 7}].first = producers[{1, 7}].first = 0;
    for (auto& [p, n] : w.next_offset)
      if (n > 0) producers[{p, 7}].first = 1;  // "first"
    int made = 0;
    const auto one_step = [&] {
      switch (roll(6)) {
        case 0:
        case 1:
          if (made < 400) w.send("v" + std::to_string(made) + std::string(roll(4) * 20'000, '.')), ++made;
          break;
        case 2:
          if (!w.sent.empty()) {
            const produce::Send s = w.take();
            const auto [base, failure] = serve(s);
            w.answer(s, base, failure);
          }
          break;
        case 3:
          if (!w.sent.empty()) (void)serve(w.sent.front());  // stored, and the ack will be lost with the link
          if (roll(4) == 0) w.down(Lane::kBulk), w.down(Lane::kLatency);
          break;
        case 4: w.wait(milliseconds(static_cast<int64_t>(roll(20)))); break;
        default:
          for (const LinkId& l : std::exchange(w.opened, {})) w.tell(produce::LinkUp{l});
          if (w.identity_asked > 0) w.identity_asked = 0, w.identity(100 + static_cast<int64_t>(made));
      }
    };
    while (made < 400) one_step();
    for (int i = 0; i < 20'000 && w.core.records() > 0; ++i) one_step();
    ASSERT_EQ(w.core.records(), 0u);
    std::map<std::string, int> stored;
    for (const auto& [p, values] : log)
      for (const std::string& v : values) ++stored[v];
    for (const auto& [v, n] : stored) ASSERT_EQ(n, 1) << v.substr(0, 8) << " is stored twice";
    ASSERT_EQ(w.outcomes.size(), 400u) << "every record has one outcome";
    for (const auto& o : w.outcomes)
      if (o.status.ok()) {
        const auto& values = log[o.receipt.partition.v];
        ASSERT_EQ(values.at(static_cast<size_t>(o.receipt.offset.v)), o.value) << "an ack names where the record is";
      }
  }
}

}  // namespace
}  // namespace ion::client
