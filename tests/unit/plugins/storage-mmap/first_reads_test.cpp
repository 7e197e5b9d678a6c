// Reads of what another process wrote: it is checked on the way, piece by piece, wherever a read begins and however much it asks for.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

constexpr uint64_t kBatch = 1500;
constexpr int64_t kBatches = 4500, kFrom = 1700;  // more than is checked ahead lies behind it in its segment

std::unique_ptr<FakeDisk> disk_with_many_batches() {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 16 << 20});
  for (int64_t at = 0; at < kBatches; ++at) EXPECT_TRUE(log.append(make_batch_of({at}, kBatch, 'a')).ok());
  EXPECT_TRUE(log.close().ok());
  return world.disk.clone();
}

TEST(FirstReads, answer_wherever_they_begin_between_two_entries_of_the_index) {
  const auto disk = disk_with_many_batches();
  for (const uint64_t bytes_max : {uint64_t{1}, kBatch, uint64_t{1} << 20, (uint64_t{1} << 20) + 4096, uint64_t{2} << 20}) {
    for (int64_t from = kFrom; from < kFrom + 25; ++from) {  // two entries and more
      MmapFixture world({}, disk->clone());
      LogDriver log = world.open();
      const ReadBack read = log.read({from}, {INT64_MAX}, bytes_max);
      ASSERT_TRUE(read.status.ok()) << read.status.text() << " from " << from << " with " << bytes_max;
      EXPECT_EQ(read.base.v, from);
      EXPECT_EQ(read.bytes(), std::max<uint64_t>(1, bytes_max / kBatch) * kBatch);
      EXPECT_TRUE(log.close().ok());
    }
  }
}

}  // namespace
}  // namespace ion::storage_mmap
