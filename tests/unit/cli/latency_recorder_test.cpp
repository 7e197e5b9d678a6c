#include "bench/latency_recorder.h"

#include <gtest/gtest.h>

namespace ion::bench {
namespace {

constexpr uint64_t kUs = 1000;

TEST(LatencyRecorder, nothing_recorded_is_zero) {
  const LatencyRecorder none;
  EXPECT_EQ(none.percentile_us(0.99), 0);
  EXPECT_EQ(none.mean_us(), 0);
}

TEST(LatencyRecorder, percentiles_are_right_to_three_percent) {
  LatencyRecorder recorder;
  for (uint64_t us = 1; us <= 100'000; ++us) recorder.record(us * kUs);
  for (const double share : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = share * 100'000;
    EXPECT_NEAR(recorder.percentile_us(share), exact, exact * 0.04) << share;
    EXPECT_GE(recorder.percentile_us(share), exact * 0.999) << "a percentile is never flattered";
  }
  EXPECT_EQ(recorder.max_us(), 100'000);
  EXPECT_EQ(recorder.percentile_us(1), 100'000);
  EXPECT_NEAR(recorder.mean_us(), 50'000.5, 1);
}

TEST(LatencyRecorder, merging_is_as_if_one_had_recorded_all) {
  LatencyRecorder a, b, both;
  for (uint64_t i = 1; i < 5000; ++i) {
    (i % 2 == 0 ? a : b).record(i * i * kUs);
    both.record(i * i * kUs);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.percentile_us(0.5), both.percentile_us(0.5));
  EXPECT_EQ(a.max_us(), both.max_us());
}

TEST(LatencyRecorder, hours_and_beyond_do_not_leave_the_table) {
  LatencyRecorder recorder;
  recorder.record(UINT64_MAX);
  EXPECT_EQ(recorder.count(), 1u);
  EXPECT_GT(recorder.percentile_us(0.5), 0);
}

}  // namespace
}  // namespace ion::bench
