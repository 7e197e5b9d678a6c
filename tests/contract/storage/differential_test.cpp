// The same random life on storage-mmap and on storage-memory: every answer is the same, at every step, across orderly restarts.
#include "contract/storage/storage_fixtures.h"
#include "contract/storage/trace.h"

#include <gtest/gtest.h>

namespace ion::test {
namespace {

class Differential : public ::testing::TestWithParam<uint64_t> {};

void expect_same(LogDriver& left, LogDriver& right, SeededRandom& random) {
  const LogStat a = left.stat(), b = right.stat();
  ASSERT_EQ(a.first, b.first);
  ASSERT_EQ(a.next, b.next);
  ASSERT_EQ(left.meta_get("key"), right.meta_get("key"));
  const auto whole_a = all_batches(left, random.between(1, 20'000)), whole_b = all_batches(right, random.between(1, 20'000));
  ASSERT_EQ(whole_a.size(), whole_b.size());
  for (size_t i = 0; i < whole_a.size(); ++i) {
    ASSERT_EQ(whole_a[i].base, whole_b[i].base);
    ASSERT_EQ(whole_a[i].bytes, whole_b[i].bytes);
  }
  // Single reads: same first batch, same refusals, same respect for upto.
  for (int i = 0; i < 5; ++i) {
    const Offset from = a.first + (static_cast<int64_t>(random.below(static_cast<uint64_t>(a.next - a.first) + 4)) - 2);
    const Offset upto = random.one_in(2) ? Offset{INT64_MAX} : from + static_cast<int64_t>(random.below(12));
    const ReadBack ra = left.read(from, upto, 1), rb = right.read(from, upto, 1);
    ASSERT_EQ(ra.status.code(), rb.status.code()) << ra.status.text() << " / " << rb.status.text();
    if (!ra.status.ok()) continue;
    ASSERT_EQ(ra.base, rb.base);
    ASSERT_EQ(ra.next, rb.next);
    ASSERT_EQ(ra.bytes(), rb.bytes());
  }
}

TEST_P(Differential, a_random_life_is_the_same_on_both) {
  const uint64_t seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  MmapFixture mmap;
  MemoryStorageFixture memory;
  SeededRandom order(seed + 100), draw(seed + 200);
  mmap.executor.draw_order_from(&order);
  Trace left_trace(seed, false), right_trace(seed, false);
  left_trace.replace_whole_logs(), right_trace.replace_whole_logs();
  LogDriver left = *mmap.driver().open("p/a/0", left_trace.options()), right = *memory.driver().open("p/a/0", right_trace.options());
  const auto up = [] { return false; };
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(left_trace.step(left, up)) << "step " << i << ": " << left_trace.last().text();
    ASSERT_TRUE(right_trace.step(right, up)) << "step " << i << ": " << right_trace.last().text();
    if (draw.one_in(3)) {
      ASSERT_NO_FATAL_FAILURE(expect_same(left, right, draw)) << "step " << i;
    }
    if (draw.one_in(40)) {
      ASSERT_TRUE(left.close().ok() && right.close().ok());
      if (draw.one_in(2)) mmap.restart();
      left = *mmap.driver().open("p/a/0", left_trace.options()), right = *memory.driver().open("p/a/0", right_trace.options());
      ASSERT_NO_FATAL_FAILURE(expect_same(left, right, draw)) << "after reopening at step " << i;
    }
  }
  EXPECT_TRUE(left.close().ok() && right.close().ok());
}

INSTANTIATE_TEST_SUITE_P(seeds, Differential, ::testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace ion::test
