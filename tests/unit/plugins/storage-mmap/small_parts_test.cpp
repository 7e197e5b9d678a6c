// The small parts that everything stands on: the line for the write turn, the index while it grows, leases, what is outstanding.
#include "io/blocking_jobs.h"
#include "io/live_index.h"
#include "io/read_map.h"
#include "io/write_turn.h"
#include "support/asked.h"
#include "support/fake_executor.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using test::Asked;

TEST(WriteTurn, is_given_in_the_order_of_asking) {
  WriteTurn turn;
  std::string order;
  ASSERT_TRUE(turn.try_claim());
  EXPECT_FALSE(turn.try_claim());
  turn.claim_or_wait({Later(), [&](Later) { return order += "a", Turn::kDone; }});
  turn.claim_or_wait({Later(), [&](Later) { return order += "b", Turn::kKept; }});
  turn.claim_or_wait({Later(), [&](Later) { return order += "c", Turn::kDone; }});
  EXPECT_EQ(order, "");
  turn.release();
  EXPECT_EQ(order, "ab");  // b goes on elsewhere and keeps the turn
  EXPECT_TRUE(turn.held());
  turn.release();
  EXPECT_EQ(order, "abc");
  EXPECT_TRUE(turn.try_claim());
}

TEST(WriteTurn, a_full_line_refuses_operations_and_never_the_close) {
  WriteTurn turn;
  ASSERT_TRUE(turn.try_claim());
  int runs = 0;
  const auto wait = [&] {
    return Asked([&](Op& op) {
      turn.claim_or_wait({op.later(), [&](Later l) { return ++runs, l.ok(), Turn::kDone; }});
      return op.pending();
    });
  };
  std::vector<Asked> waiting;
  while (waiting.empty() || waiting.back().code() == ION_PENDING) waiting.push_back(wait());
  EXPECT_EQ(waiting.back().code(), ION_E_OVERLOADED);
  turn.claim_or_wait({Later(), [&](Later) { return ++runs, Turn::kDone; }});
  turn.release();
  EXPECT_EQ(static_cast<size_t>(runs), waiting.size());
}

TEST(LiveIndex, finds_entries_by_offset_and_by_position) {
  LiveIndex index(1000);
  EXPECT_EQ(index.floor_of(Offset{5}), kNoEntry);
  for (int64_t i = 0; i < 300; ++i) index.push({{10 * i}, static_cast<uint64_t>(100 * i), static_cast<uint32_t>(i)});
  EXPECT_EQ(index.size(), 300u);
  EXPECT_EQ(index.floor_of(Offset{29}), 2u);
  EXPECT_EQ(index.floor_of(Offset{30}), 3u);
  EXPECT_EQ(index.floor_of(uint64_t{29'999}), 299u);
  EXPECT_EQ(index.entries_below(201).size(), 3u);
  LiveIndex small(1);
  for (int64_t i = 0; i < 1000; ++i) small.push({{i}, static_cast<uint64_t>(i), 0});
  EXPECT_LT(small.size(), 1000u);  // sparse: what has no space is left out
}

class Bytes final : public MappedFile {
 public:
  explicit Bytes(bool* gone) : gone_(gone) {}
  ~Bytes() override { *gone_ = true; }
  const uint8_t* base() const override { return bytes_.data(); }
  uint64_t size() const override { return bytes_.size(); }
  Status advise(uint64_t, uint64_t, ion_advice) override { return {}; }

 private:
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(1000, 5);
  bool* gone_;
};

TEST(ReadMap, goes_with_the_last_lease_and_leases_are_bounded) {
  const auto outstanding = std::make_shared<Outstanding>();
  const std::shared_ptr<MapBooks> book{new MapBooks{{500, outstanding}, ResidentParts(1 << 20)}};
  bool gone = false;
  auto map = std::make_shared<ReadMap>(std::make_unique<Bytes>(&gone), book);
  Buf all = *ReadMap::lease(map, 0, 1000);  // one is always granted
  EXPECT_NE(all.raw().ops->flags & ION_BUF_MAPPED, 0u);
  EXPECT_EQ(ReadMap::lease(map, 0, 1).error().code(), ION_E_OVERLOADED);
  Buf part = all.slice(10, 20);
  all = Buf();
  EXPECT_EQ(book->leases.bytes(), 1000u);  // the part holds the whole
  map.reset();
  EXPECT_FALSE(gone);
  Asked drained([&](Op& op) { return outstanding->when_none(op); });
  EXPECT_EQ(drained.code(), ION_PENDING);
  part = Buf();
  EXPECT_TRUE(gone);
  EXPECT_EQ(drained.code(), ION_OK);
  EXPECT_EQ(book->leases.bytes(), 0u);
}

TEST(BlockingJobs, are_outstanding_until_all_they_hold_is_gone) {
  const auto outstanding = std::make_shared<Outstanding>();
  test::FakeExecutor executor;
  BlockingJobs jobs(executor, outstanding);
  auto held = std::make_shared<int>(1);
  bool ran = false;
  ASSERT_TRUE(jobs.post([held, &ran] { ran = true; }).ok());
  EXPECT_EQ(outstanding->count(), 1u);
  executor.run_all();
  EXPECT_TRUE(ran);
  EXPECT_EQ(outstanding->count(), 0u);
  EXPECT_EQ(held.use_count(), 1);
  executor.set_limit(0);
  EXPECT_EQ(jobs.post([] {}).code(), ION_E_OVERLOADED);
  Asked refused([&](Op& op) {
    EXPECT_FALSE(jobs.answer(op.later(), [](Later l) { l.ok(); }));
    return op.pending();
  });
  EXPECT_EQ(refused.code(), ION_E_OVERLOADED);
  EXPECT_EQ(outstanding->count(), 0u);
}

}  // namespace
}  // namespace ion::storage_mmap
