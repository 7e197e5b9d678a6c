#include <gtest/gtest.h>
#include <ion/op.h>

#include "unit/sdk/asked.h"

namespace ion {
namespace {

using test::Asked;
using test::CountedBytes;

TEST(Op, an_inline_answer_ends_the_call_before_it_returns) {
  Asked asked([](Op& op) { return op.ok(4, 5); });
  EXPECT_EQ(asked.answers(), 1);
  EXPECT_TRUE(asked.outcome().status.ok());
  EXPECT_EQ(asked.outcome().u0, 4u);
  EXPECT_EQ(asked.outcome().u1, 5u);
}

TEST(Op, a_refusal_brings_code_and_words) {
  Asked asked([](Op& op) { return op.refuse(Status(ION_E_NO_SPACE, "need 4096 B, have 512")); });
  EXPECT_EQ(asked.code(), ION_E_NO_SPACE);
  EXPECT_EQ(asked.message(), "need 4096 B, have 512");
}

TEST(Op, a_later_answer_comes_when_it_is_given_and_once) {
  Later kept;
  Asked asked([&](Op& op) {
    kept = op.later();
    return op.pending();
  });
  EXPECT_EQ(asked.answers(), 0);
  kept.ok(9);
  EXPECT_EQ(asked.answers(), 1);
  EXPECT_EQ(asked.outcome().u0, 9u);
  EXPECT_FALSE(kept);
}

TEST(Op, a_dropped_later_is_internal) {
  Asked asked([](Op& op) {
    Later dropped = op.later();
    return op.pending();
  });
  EXPECT_EQ(asked.code(), ION_E_INTERNAL);
}

TEST(Op, a_later_that_is_assigned_over_is_dropped) {
  Later kept;
  Asked first([&](Op& op) { return kept = op.later(), op.pending(); });
  Asked second([&](Op& op) { return kept = op.later(), op.pending(); });
  EXPECT_EQ(first.code(), ION_E_INTERNAL);
  EXPECT_EQ(second.answers(), 0);
  kept.fail(Status(ION_E_CANCELLED, "cut"), 1, 2);
  EXPECT_EQ(second.code(), ION_E_CANCELLED);
  EXPECT_EQ(second.outcome().u1, 2u);
}

TEST(Op, a_later_knows_deadline_and_id) {
  Later kept;
  Asked asked([&](Op& op) { return kept = op.later(), op.pending(); }, {.deadline = {77}, .id = 3});
  EXPECT_EQ(kept.deadline(), Instant{77});
  EXPECT_EQ(kept.id(), 3u);
  kept.ok();
}

TEST(Op, a_later_may_be_destroyed_by_its_own_completion) {
  auto kept = std::make_unique<Later>();
  call([&](Op& op) { return *kept = op.later(), op.pending(); }, [&](const ion_result&) { kept.reset(); });
  kept->ok();
  EXPECT_EQ(kept, nullptr);
}

TEST(Op, buffers_are_lent_inline_and_late_and_come_back) {
  CountedBytes bytes("payload");
  for (const bool late : {false, true}) {
    Later kept;
    Asked asked([&](Op& op) {
      if (late) return kept = op.later(), op.pending();
      Bufs bufs;
      bufs.push_back(bytes.lend());
      return op.ok(0, 0, bufs);
    });
    if (late) {
      Bufs bufs;
      bufs.push_back(bytes.lend());
      kept.ok(0, 0, bufs);
    }
    ASSERT_EQ(asked.outcome().bufs.size(), 1u);
    EXPECT_EQ(asked.outcome().bufs[0].text(), "payload");
    EXPECT_EQ(bytes.references(), 1);
    asked.forget();
    EXPECT_EQ(bytes.references(), 0);
  }
}

TEST(Op, more_buffers_than_the_caller_fits_for_come_late) {
  CountedBytes bytes("x");
  bool pending = false;
  Asked asked([&](Op& op) {
    Bufs bufs;
    for (int i = 0; i < 40; ++i) bufs.push_back(bytes.lend());
    const Answer answer = op.ok(1, 2, bufs);
    pending = answer.pending();
    return answer;
  });
  EXPECT_TRUE(pending);
  EXPECT_EQ(asked.answers(), 1);
  EXPECT_EQ(asked.outcome().bufs.size(), 40u);
  asked.forget();
  EXPECT_EQ(bytes.references(), 0);
}

TEST(Op, what_another_table_said_takes_the_op_only_when_it_is_pending) {
  ion_op raw{};
  ion_result now{};
  Op refused(raw, now);
  EXPECT_EQ(refused.passed(ION_E_BUSY).code(), ION_E_BUSY);
  EXPECT_FALSE(refused.taken());
  Op parked(raw, now);
  EXPECT_TRUE(parked.passed(ION_PENDING).pending());
  EXPECT_TRUE(parked.taken());
}

TEST(OpDeathTest, answering_twice_is_our_bug) {
  EXPECT_DEATH(
      {
        Later kept;
        Asked asked([&](Op& op) { return kept = op.later(), op.pending(); });
        kept.ok();
        kept.ok();
      },
      "assertion failed");
  EXPECT_DEATH(
      {
        Asked asked([](Op& op) {
          Later kept = op.later();
          return op.ok();
        });
      },
      "assertion failed");
}

}  // namespace
}  // namespace ion
