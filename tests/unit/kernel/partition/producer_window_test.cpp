#include "partition/core/producer_window.h"

#include <gtest/gtest.h>

#include <map>

namespace ion::partition {
namespace {

using Kind = ProducerWindow::Kind;
constexpr WallMs kNow{1'700'000'000'000};
constexpr WallMs at(int64_t seconds_later) { return {kNow.ms + seconds_later * 1'000}; }

batch::Header batch_of(int64_t producer, int32_t sequence, int64_t base, int32_t count = 1, int16_t epoch = 0) {
  batch::Header h;
  h.producer = {producer};
  h.producer_epoch = {epoch};
  h.base_sequence = sequence;
  h.base_offset = {base};
  h.count = count;
  h.last_offset_delta = count - 1;
  return h;
}
std::string reason(const Result<ProducerWindow::Verdict>& v) { return v ? "" : v.error().reason(); }

TEST(ProducerWindow, a_batch_without_identity_is_always_fresh) {
  const ProducerWindow w;
  EXPECT_EQ(w.check(batch::Header{})->kind, Kind::kFresh);
}

TEST(ProducerWindow, an_unknown_producer_must_begin_with_sequence_0) {
  const ProducerWindow w;
  EXPECT_TRUE(w.check(batch_of(7, 0, 0)));
  EXPECT_EQ(reason(w.check(batch_of(7, 3, 0))), "OUT_OF_SEQUENCE");
}

TEST(ProducerWindow, a_repeated_batch_is_told_its_first_offsets) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 100, 10), kNow);
  w.record(batch_of(7, 10, 120, 5), kNow);
  const auto again = w.check(batch_of(7, 0, 0, 10));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kind, Kind::kDuplicate);
  EXPECT_EQ(again->first_answer.base, Offset{100});
  EXPECT_EQ(again->first_answer.next, Offset{110});
}

TEST(ProducerWindow, a_gap_and_a_half_repeated_batch_are_refused) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 0, 10), kNow);
  EXPECT_EQ(reason(w.check(batch_of(7, 11, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(reason(w.check(batch_of(7, 0, 0, 9))), "OUT_OF_SEQUENCE");
  EXPECT_TRUE(w.check(batch_of(7, 10, 0)));
}

TEST(ProducerWindow, only_the_last_five_batches_are_known) {
  ProducerWindow w;
  for (int32_t i = 0; i < 6; ++i) w.record(batch_of(7, i, i), kNow);
  EXPECT_EQ(reason(w.check(batch_of(7, 0, 0))), "OUT_OF_SEQUENCE");
  for (int32_t i = 1; i < 6; ++i) EXPECT_EQ(w.check(batch_of(7, i, 0))->kind, Kind::kDuplicate) << i;
}

TEST(ProducerWindow, an_older_epoch_is_fenced_and_a_newer_one_begins_anew) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 0, 1, 2), kNow);
  EXPECT_EQ(reason(w.check(batch_of(7, 1, 0, 1, 1))), "PRODUCER_FENCED");
  EXPECT_EQ(reason(w.check(batch_of(7, 1, 0, 1, 3))), "OUT_OF_SEQUENCE");
  EXPECT_TRUE(w.check(batch_of(7, 0, 0, 1, 3)));
}

TEST(ProducerWindow, sequences_run_around_after_2_to_the_31) {
  ProducerWindow w;
  w.record(batch_of(7, INT32_MAX - 1, 0, 2), kNow);
  EXPECT_TRUE(w.check(batch_of(7, 0, 0)));
  EXPECT_FALSE(w.check(batch_of(7, 1, 0)));
}

TEST(ProducerWindow, what_was_cut_from_the_log_is_forgotten) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 0), kNow);
  w.record(batch_of(7, 1, 1), kNow);
  w.record(batch_of(8, 0, 2), kNow);
  w.cut({1});
  EXPECT_EQ(w.check(batch_of(7, 1, 0))->kind, Kind::kFresh);
  EXPECT_EQ(w.producers(), 1u);
}

// A search for the oldest in each new batch would make this test take minutes.
TEST(ProducerWindow, a_full_window_takes_as_many_new_producers_again_and_forgets_who_wrote_longest_ago) {
  constexpr auto kMax = static_cast<int64_t>(kProducersMax);
  ProducerWindow w;
  for (int64_t id = 0; id < kMax; ++id) w.record(batch_of(id, 0, id), kNow);
  w.record(batch_of(0, 1, kMax), kNow);  // the first one writes again
  w.record(batch_of(kMax, 0, kMax + 1), kNow);
  EXPECT_EQ(reason(w.check(batch_of(1, 1, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.check(batch_of(0, 2, 0))->kind, Kind::kFresh);
  EXPECT_EQ(w.check(batch_of(2, 0, 0))->kind, Kind::kDuplicate);
  for (int64_t i = 1; i < kMax; ++i) w.record(batch_of(kMax + i, 0, kMax + 1 + i), kNow);
  EXPECT_EQ(w.producers(), kProducersMax);
  EXPECT_EQ(reason(w.check(batch_of(0, 2, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.check(batch_of(kMax, 0, 0))->kind, Kind::kDuplicate);
}

TEST(ProducerWindow, a_restored_window_forgets_in_the_same_order) {
  constexpr auto kMax = static_cast<int64_t>(kProducersMax);
  ProducerWindow w;
  for (int64_t id = kMax; id-- > 0;) w.record(batch_of(id, 0, kMax - id), kNow);  // the highest id wrote first
  ProducerWindow back;
  ASSERT_TRUE(back.restore(w.snapshot({kMax + 1})));
  for (ProducerWindow* each : {&w, &back}) {
    each->record(batch_of(kMax, 0, kMax + 1), kNow);
    EXPECT_EQ(reason(each->check(batch_of(kMax - 1, 1, 0))), "OUT_OF_SEQUENCE");
    EXPECT_TRUE(each->check(batch_of(0, 1, 0)));
  }
}

TEST(ProducerWindow, who_appended_nothing_for_long_is_forgotten_with_the_next_batch) {
  ProducerWindow w;
  w.set_expiry(seconds(100));
  w.record(batch_of(1, 0, 0), at(0));
  w.record(batch_of(2, 0, 1), at(50));
  w.record(batch_of(3, 0, 2), at(99));
  EXPECT_EQ(w.producers(), 3u);
  w.record(batch_of(3, 1, 3), at(100));
  EXPECT_EQ(w.producers(), 2u);
  EXPECT_EQ(reason(w.check(batch_of(1, 1, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.check(batch_of(2, 0, 0))->kind, Kind::kDuplicate);
}

TEST(ProducerWindow, who_comes_back_after_that_goes_on_where_it_was) {
  ProducerWindow w;
  w.set_expiry(seconds(100));
  w.record(batch_of(1, 0, 0), at(0));
  w.record(batch_of(1, 1, 1), at(500));
  EXPECT_EQ(w.check(batch_of(1, 0, 0))->kind, Kind::kDuplicate);
}

TEST(ProducerWindow, a_clock_that_is_set_back_expires_nobody_and_ahead_of_time_nobody_twice) {
  ProducerWindow w;
  w.set_expiry(seconds(100));
  w.record(batch_of(1, 0, 0), at(1'000));
  w.record(batch_of(2, 0, 1), at(0));
  w.record(batch_of(3, 0, 2), at(50));
  EXPECT_EQ(w.producers(), 3u) << "all three count as appended at the greatest time so far";
  ProducerWindow back;
  back.set_expiry(seconds(100));
  ASSERT_TRUE(back.restore(w.snapshot({3})));
  back.record(batch_of(4, 0, 3), at(60));
  EXPECT_EQ(back.producers(), 4u) << "a restart does not bring the clock back either";
  back.record(batch_of(4, 1, 4), at(1'100));
  EXPECT_EQ(back.producers(), 1u);
}

TEST(ProducerWindow, a_batch_that_does_not_follow_leaves_only_itself) {  // of a log with damage, or one that was compacted
  ProducerWindow w;
  w.record(batch_of(7, 0, 0), kNow);
  w.record(batch_of(7, 5, 9), kNow);
  EXPECT_EQ(reason(w.check(batch_of(7, 0, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.check(batch_of(7, 5, 0))->first_answer.base, Offset{9});
  EXPECT_TRUE(w.check(batch_of(7, 6, 0)));
}

TEST(ProducerWindow, offsets_far_apart_and_sequences_that_run_around_come_back_right) {
  ProducerWindow w;
  const int64_t far = int64_t{1} << 45;
  w.record(batch_of(7, INT32_MAX - 2, far, 2), kNow);
  w.record(batch_of(7, INT32_MAX, far + 1'000'000'000, 3), kNow);
  w.record(batch_of(7, 2, far + 5'000'000'000, 1), kNow);
  const auto around = w.check(batch_of(7, INT32_MAX, 0, 3));
  ASSERT_TRUE(around);
  EXPECT_EQ(around->first_answer.base.v, far + 1'000'000'000);
  EXPECT_EQ(around->first_answer.next.v, far + 1'000'000'003);
  EXPECT_EQ(w.check(batch_of(7, INT32_MAX - 2, 0, 2))->first_answer.base.v, far);
  w.record(batch_of(7, 3, far + 50'000'000'000, 1), kNow);  // too far for the distance that is kept: the older ones are forgotten
  EXPECT_EQ(reason(w.check(batch_of(7, 2, 0, 1))), "OUT_OF_SEQUENCE");
}

TEST(ProducerWindow, a_cut_in_the_middle_leaves_the_batches_before_it_as_they_were) {
  ProducerWindow w;
  for (int32_t i = 0; i < 5; ++i) w.record(batch_of(7, i * 2, i * 10, 2), kNow);
  w.cut({25});
  for (int32_t i = 0; i < 3; ++i) EXPECT_EQ(w.check(batch_of(7, i * 2, 0, 2))->first_answer.base.v, i * 10) << i;
  EXPECT_EQ(w.check(batch_of(7, 6, 0, 2))->kind, Kind::kFresh);
}

TEST(ProducerWindow, a_producer_costs_at_most_a_hundred_bytes) {
  ProducerWindow w;
  for (int32_t batch = 0; batch < 5; ++batch)
    for (int64_t id = 0; id < static_cast<int64_t>(kProducersMax); ++id) w.record(batch_of(id, batch, batch * 1'000'000 + id), kNow);
  EXPECT_LE(w.memory_bytes() / kProducersMax, 100u);
}

// Against the plainest table that there is.
TEST(ProducerWindow, many_come_and_go_and_each_is_found_or_not_as_in_a_map) {
  ProducerTable table;
  std::map<int64_t, int64_t> wanted;  // id: when it was put last
  uint64_t random = 88172645463325252ULL;
  const auto draw = [&random] { return random ^= random << 13, random ^= random >> 7, random ^= random << 17; };
  for (int64_t step = 0; step < 50'000; ++step) {
    const auto id = static_cast<int64_t>(draw() % 700) * (draw() % 2 == 0 ? 1 : 1 << 20);
    if (draw() % 3 == 0) table.erase(id), wanted.erase(id);
    else table.last(id).base = step, wanted[id] = step;
    ASSERT_EQ(table.size(), wanted.size());
  }
  for (const auto& [id, put] : wanted) {
    ASSERT_NE(table.find(id), nullptr) << id;
    EXPECT_EQ(table.find(id)->base, put);
  }
  int64_t before = -1;
  size_t n = 0;
  for (const Producer* p = table.first(); p != nullptr; p = table.behind(*p), ++n) {
    EXPECT_GT(p->base, before);
    before = p->base;
  }
  EXPECT_EQ(n, wanted.size());
}

TEST(ProducerWindow, a_snapshot_comes_back_equal) {
  ProducerWindow w;
  for (int32_t i = 0; i < 8; ++i) w.record(batch_of(7 + i % 3, i / 3, 10 * i, 1), kNow);
  const auto bytes = w.snapshot({80});
  ProducerWindow back;
  const auto upto = back.restore(bytes);
  ASSERT_TRUE(upto);
  EXPECT_EQ(*upto, Offset{80});
  EXPECT_EQ(back.snapshot({80}), bytes);
  EXPECT_EQ(back.check(batch_of(7, 0, 0))->first_answer.base, Offset{0});
}

TEST(ProducerWindow, every_flipped_bit_of_a_snapshot_is_found) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 5, 3), kNow);
  const auto good = w.snapshot({8});
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
    ProducerWindow back;
    EXPECT_FALSE(back.restore(bad)) << "bit " << bit;
    EXPECT_EQ(back.producers(), 0u);
  }
}

TEST(ProducerWindow, a_snapshot_cut_anywhere_is_refused) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 5, 3), kNow);
  const auto good = w.snapshot({8});
  for (size_t n = 0; n < good.size(); ++n) {
    ProducerWindow back;
    EXPECT_FALSE(back.restore(std::span<const uint8_t>(good).first(n))) << n;
  }
}

}  // namespace
}  // namespace ion::partition
