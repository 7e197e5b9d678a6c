#include "core/backoff.h"

#include <gtest/gtest.h>

#include "core/byte_window.h"
#include "core/failure.h"

namespace ion::client {
namespace {

TEST(Backoff, doubles_its_upper_bound_up_to_the_limit) {
  const BackoffLimits limits;
  EXPECT_EQ(backoff(limits, 0, UINT64_MAX), milliseconds(100));
  EXPECT_EQ(backoff(limits, 1, UINT64_MAX), milliseconds(200));
  EXPECT_EQ(backoff(limits, 6, UINT64_MAX), milliseconds(6400));
  EXPECT_EQ(backoff(limits, 7, UINT64_MAX), seconds(10));
  EXPECT_EQ(backoff(limits, 4'000'000'000u, UINT64_MAX), seconds(10));
}

TEST(Backoff, has_full_jitter) {
  const BackoffLimits limits;
  EXPECT_EQ(backoff(limits, 3, 0).n, 0);
  EXPECT_NEAR(static_cast<double>(backoff(limits, 3, UINT64_MAX / 2).n), 400e6, 1e6);
}

TEST(Backoff, never_comes_before_the_broker_asked_for) {
  EXPECT_EQ(backoff({}, 0, 0, seconds(3)), seconds(3));
  EXPECT_EQ(backoff({}, 7, UINT64_MAX, seconds(3)), seconds(10));
}

TEST(RetryPolicy, repeats_what_cannot_have_happened_and_unknown_outcomes_only_without_duplicates) {
  for (const Code code : {ION_E_NOT_LEADER, ION_E_CLOSED, ION_E_OVERLOADED, ION_E_BUSY}) {
    EXPECT_TRUE(is_retriable(code, Repeat::kUnsafe)) << code_name(code);
  }
  for (const Code code : {ION_E_UNKNOWN_OUTCOME, ION_E_DEADLINE}) {
    EXPECT_TRUE(is_retriable(code, Repeat::kSafe)) << code_name(code);
    EXPECT_FALSE(is_retriable(code, Repeat::kUnsafe)) << code_name(code);
  }
  for (const Code code : {ION_E_INVALID, ION_E_FENCED, ION_E_CORRUPT, ION_E_INTERNAL, ION_E_EXISTS, ION_E_FORBIDDEN, ION_E_OUT_OF_RANGE}) {
    EXPECT_FALSE(is_retriable(code, Repeat::kSafe)) << code_name(code);
  }
}

TEST(RetryPolicy, what_only_an_operator_can_mend_is_not_asked_again_whatever_the_broker_says_of_its_code) {
  const Failure failures[] = {{Status(ION_E_NO_SPACE, "full"), true, {}, {}},
                              {Status(ION_E_OVERLOADED, "ulimit -n", "TOO_FEW_DESCRIPTORS"), true, {}, {}},
                              {Status(ION_E_OVERLOADED, "topics_max", "TOO_MANY_TOPICS"), true, {}, {}},
                              {Status(ION_E_OVERLOADED, "partitions_max", "TOO_MANY_PARTITIONS"), true, {}, {}}};
  for (const Failure& f : failures)
    for (const Repeat repeat : {Repeat::kSafe, Repeat::kUnsafe}) EXPECT_FALSE(worth_asking_again(f, repeat)) << f.status.text();
  EXPECT_TRUE(worth_asking_again({Status(ION_E_OVERLOADED, "busy", "QUEUE_FULL"), false, {}, {}}, Repeat::kUnsafe));
  EXPECT_TRUE(worth_asking_again({Status(ION_E_INTERNAL, "a stream was reset"), true, {}, {}}, Repeat::kUnsafe));
}

TEST(ByteWindow, begins_at_two_mebibytes_and_grows_to_twice_what_a_round_trip_carries) {
  ByteWindow window;
  EXPECT_EQ(window.size(), 2u << 20);
  Instant now{1'000'000'000};
  for (int i = 0; i < 40; ++i) {
    now = now + milliseconds(1);
    window.acked(1 << 20, milliseconds(8), now);  // 1 MiB per ms, 8 ms away
  }
  EXPECT_GT(window.size(), 14u << 20);
  EXPECT_LT(window.size(), 19u << 20);
}

TEST(ByteWindow, never_leaves_its_bounds) {
  ByteWindow window;
  Instant now{1'000'000'000};
  for (int i = 0; i < 100; ++i) {
    now = now + milliseconds(1);
    window.acked(64 << 20, seconds(1), now);
  }
  EXPECT_EQ(window.size(), 32u << 20);
  for (int i = 0; i < 100; ++i) {
    now = now + milliseconds(30);
    window.acked(10, microseconds(50), now);
  }
  EXPECT_EQ(window.size(), 2u << 20);
}

}  // namespace
}  // namespace ion::client
