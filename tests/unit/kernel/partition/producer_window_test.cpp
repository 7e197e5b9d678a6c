#include "partition/core/producer_window.h"

#include <gtest/gtest.h>

namespace ion::partition {
namespace {

using Kind = ProducerWindow::Kind;

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
  w.record(batch_of(7, 0, 100, 10));
  w.record(batch_of(7, 10, 120, 5));
  const auto again = w.check(batch_of(7, 0, 0, 10));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kind, Kind::kDuplicate);
  EXPECT_EQ(again->first_answer.base, Offset{100});
  EXPECT_EQ(again->first_answer.next, Offset{110});
}

TEST(ProducerWindow, a_gap_and_a_half_repeated_batch_are_refused) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 0, 10));
  EXPECT_EQ(reason(w.check(batch_of(7, 11, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(reason(w.check(batch_of(7, 0, 0, 9))), "OUT_OF_SEQUENCE");
  EXPECT_TRUE(w.check(batch_of(7, 10, 0)));
}

TEST(ProducerWindow, only_the_last_five_batches_are_known) {
  ProducerWindow w;
  for (int32_t i = 0; i < 6; ++i) w.record(batch_of(7, i, i));
  EXPECT_EQ(reason(w.check(batch_of(7, 0, 0))), "OUT_OF_SEQUENCE");
  for (int32_t i = 1; i < 6; ++i) EXPECT_EQ(w.check(batch_of(7, i, 0))->kind, Kind::kDuplicate) << i;
}

TEST(ProducerWindow, an_older_epoch_is_fenced_and_a_newer_one_begins_anew) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 0, 1, 2));
  EXPECT_EQ(reason(w.check(batch_of(7, 1, 0, 1, 1))), "PRODUCER_FENCED");
  EXPECT_EQ(reason(w.check(batch_of(7, 1, 0, 1, 3))), "OUT_OF_SEQUENCE");
  EXPECT_TRUE(w.check(batch_of(7, 0, 0, 1, 3)));
}

TEST(ProducerWindow, sequences_run_around_after_2_to_the_31) {
  ProducerWindow w;
  w.record(batch_of(7, INT32_MAX - 1, 0, 2));
  EXPECT_TRUE(w.check(batch_of(7, 0, 0)));
  EXPECT_FALSE(w.check(batch_of(7, 1, 0)));
}

TEST(ProducerWindow, what_was_cut_from_the_log_is_forgotten) {
  ProducerWindow w;
  w.record(batch_of(7, 0, 0));
  w.record(batch_of(7, 1, 1));
  w.record(batch_of(8, 0, 2));
  w.cut({1});
  EXPECT_EQ(w.check(batch_of(7, 1, 0))->kind, Kind::kFresh);
  EXPECT_EQ(w.producers(), 1u);
}

// A search for the oldest in each new batch would make this test take minutes.
TEST(ProducerWindow, a_full_window_takes_as_many_new_producers_again_and_forgets_who_wrote_longest_ago) {
  constexpr auto kMax = static_cast<int64_t>(kProducersMax);
  ProducerWindow w;
  for (int64_t id = 0; id < kMax; ++id) w.record(batch_of(id, 0, id));
  w.record(batch_of(0, 1, kMax));  // the first one writes again
  w.record(batch_of(kMax, 0, kMax + 1));
  EXPECT_EQ(reason(w.check(batch_of(1, 1, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.check(batch_of(0, 2, 0))->kind, Kind::kFresh);
  EXPECT_EQ(w.check(batch_of(2, 0, 0))->kind, Kind::kDuplicate);
  for (int64_t i = 1; i < kMax; ++i) w.record(batch_of(kMax + i, 0, kMax + 1 + i));
  EXPECT_EQ(w.producers(), kProducersMax);
  EXPECT_EQ(reason(w.check(batch_of(0, 2, 0))), "OUT_OF_SEQUENCE");
  EXPECT_EQ(w.check(batch_of(kMax, 0, 0))->kind, Kind::kDuplicate);
}

TEST(ProducerWindow, a_restored_window_forgets_in_the_same_order) {
  constexpr auto kMax = static_cast<int64_t>(kProducersMax);
  ProducerWindow w;
  for (int64_t id = kMax; id-- > 0;) w.record(batch_of(id, 0, kMax - id));  // the highest id wrote first
  ProducerWindow back;
  ASSERT_TRUE(back.restore(w.snapshot({kMax + 1})));
  for (ProducerWindow* each : {&w, &back}) {
    each->record(batch_of(kMax, 0, kMax + 1));
    EXPECT_EQ(reason(each->check(batch_of(kMax - 1, 1, 0))), "OUT_OF_SEQUENCE");
    EXPECT_TRUE(each->check(batch_of(0, 1, 0)));
  }
}

TEST(ProducerWindow, a_snapshot_comes_back_equal) {
  ProducerWindow w;
  for (int32_t i = 0; i < 8; ++i) w.record(batch_of(7 + i % 3, i / 3, 10 * i, 1));
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
  w.record(batch_of(7, 0, 5, 3));
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
  w.record(batch_of(7, 0, 5, 3));
  const auto good = w.snapshot({8});
  for (size_t n = 0; n < good.size(); ++n) {
    ProducerWindow back;
    EXPECT_FALSE(back.restore(std::span<const uint8_t>(good).first(n))) << n;
  }
}

}  // namespace
}  // namespace ion::partition
