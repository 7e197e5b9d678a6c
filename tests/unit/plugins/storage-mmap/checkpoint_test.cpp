// The checkpoint of the segment that is written on: a start after a kill reads what lies behind it; what lies below is proved when it is read.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

constexpr const char* kSegment = "logs/p+a+0/00000000000000000000.log";
constexpr uint64_t kBatch = 1000;
constexpr int64_t kBatches = 22;  // the last checkpoint lies behind 20 of them
const std::string kValue = value_of_batch_of(kBatch, 'v');

StorageMmapConfig often() {
  StorageMmapConfig config;
  config.writeback_bytes = 1, config.checkpoint_bytes = 4 * kBatch, config.index_interval = kBatch, config.checkpoint_pause = Nanos{};
  return config;
}
void fill(MmapFixture& world, LogDriver& log) {
  for (int64_t i = 0; i < kBatches; ++i) {
    ASSERT_TRUE(log.append(make_batch_of({i}, kBatch, 'v')).ok());
    world.run();
  }
}
// Killed behind the last of the batches.
std::unique_ptr<FakeDisk> killed_disk(bool synced = false) {
  MmapFixture world(often());
  LogDriver log = world.open("p/a/0", {});
  fill(world, log);
  if (synced) {
    EXPECT_TRUE(log.sync().ok());
  }
  world.run();
  world.kill(log);
  return world.disk.clone();
}

TEST(Checkpoint, a_start_after_a_kill_reads_only_what_lies_behind_it) {
  MmapFixture world(often(), killed_disk());
  world.disk.add_fault({DiskOp::kPread, kSegment, ION_E_IO, 0, 1000, 5 * kBatch});
  LogDriver log = world.open("p/a/0", {});
  EXPECT_EQ(log.stat().next.v, kBatches);
  EXPECT_EQ(log.read({20}, {21}).text(), kValue);
  EXPECT_EQ(log.read({5}, {6}).status.code(), ION_E_IO);  // it is read, and proved, now
  world.disk.clear_faults();
  for (int64_t i = 0; i < kBatches; ++i) EXPECT_EQ(log.read({i}, {i + 1}).text(), kValue);
  EXPECT_TRUE(log.close().ok());
}

TEST(Checkpoint, none_is_written_where_the_setting_says_so) {
  StorageMmapConfig config = often();
  config.checkpoint_bytes = 0;
  MmapFixture world(config);
  LogDriver log = world.open("p/a/0", {});
  fill(world, log);
  EXPECT_FALSE(world.disk.exists("logs/p+a+0/00000000000000000000.index"));
  EXPECT_TRUE(log.close().ok());
}

TEST(Checkpoint, comes_not_sooner_than_the_pause_after_the_one_before) {
  StorageMmapConfig config = often();
  config.checkpoint_pause = seconds(2);
  MmapFixture world(config);
  LogDriver log = world.open("p/a/0", {});
  const auto checkpoints = [&] { return world.disk.count(DiskOp::kSyncData, ".index"); };
  world.clock.advance(seconds(2));
  fill(world, log);
  EXPECT_EQ(checkpoints(), 1u);
  world.clock.advance(seconds(2));
  ASSERT_TRUE(log.append(make_batch_of({kBatches}, kBatch, 'v')).ok());
  world.run();
  EXPECT_EQ(checkpoints(), 2u);
  EXPECT_TRUE(log.close().ok());
}

TEST(Checkpoint, a_flipped_bit_below_it_is_never_handed_out_and_the_rest_can_be_read) {
  const auto disk = killed_disk();
  for (uint64_t byte = 4 * kBatch; byte < 6 * kBatch; byte += byte % kBatch < batch::kHeaderBytes ? 1 : 97) {
    SCOPED_TRACE("byte " + std::to_string(byte));
    auto flipped = disk->clone();
    flipped->flip(kSegment, byte, byte % 8);
    MmapFixture world(often(), std::move(flipped));
    LogDriver log = world.open("p/a/0", {});
    EXPECT_EQ(log.stat().next.v, kBatches);
    int corrupt = 0;
    for (int64_t i = 0; i < kBatches; ++i) {
      const ReadBack read = log.read({i}, {i + 1});
      if (read.status.code() == ION_E_CORRUPT) ++corrupt;
      else ASSERT_EQ(read.text(), kValue) << "offset " << i;
    }
    EXPECT_GE(corrupt, 1);
    EXPECT_LE(corrupt, 2);
    EXPECT_EQ(log.add({"more"}).code(), ION_E_CORRUPT);
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Checkpoint, damage_between_it_and_the_durable_mark_is_found_when_the_log_is_opened) {
  auto disk = killed_disk(true);
  disk->flip(kSegment, (kBatches - 1) * kBatch + 500, 3);
  MmapFixture world(often(), std::move(disk));
  LogDriver log = world.open("p/a/0", {});
  EXPECT_TRUE(log.stat().damaged);
  EXPECT_EQ(log.stat().bad_from.v, kBatches - 1);
  EXPECT_TRUE(log.close().ok());
}

TEST(Checkpoint, the_log_goes_on_behind_it_and_closes_in_order) {
  MmapFixture world(often(), killed_disk());
  for (int round = 0; round < 3; ++round) {
    LogDriver log = world.open("p/a/0", {});
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(log.append(make_batch_of(log.stat().next, kBatch, 'v')).ok());
    if (round == 1) world.kill(log);
    else EXPECT_TRUE(log.close().ok());
  }
  LogDriver log = world.open("p/a/0", {});
  EXPECT_EQ(log.stat().next.v, kBatches + 30);
  for (int64_t i = 0; i < kBatches + 30; ++i) EXPECT_EQ(log.read({i}, {i + 1}).text(), kValue);
  EXPECT_TRUE(log.close().ok());
}

TEST(Checkpoint, of_a_segment_that_was_cut_vouches_for_nothing) {
  MmapFixture world(often());
  LogDriver log = world.open("p/a/0", {});
  fill(world, log);
  ASSERT_TRUE(log.truncate_suffix({6}).ok());
  ASSERT_TRUE(log.append(make_batch_of({6}, kBatch, 'w')).ok() && log.sync().ok());
  world.kill(log);
  LogDriver again = world.open("p/a/0", {});
  EXPECT_EQ(again.stat().next.v, 7);
  EXPECT_EQ(again.read({6}).text(), value_of_batch_of(kBatch, 'w'));
  EXPECT_EQ(again.read({5}, {6}).text(), kValue);
  EXPECT_TRUE(again.close().ok());
}

TEST(Checkpoint, a_flush_that_fails_fails_the_log) {
  MmapFixture world(often());
  LogDriver log = world.open("p/a/0", {});
  world.disk.add_fault({DiskOp::kSyncData, ".log", ION_E_IO, 0, 1});
  for (int64_t i = 0; i < 5; ++i) {
    (void)log.append(make_batch_of(log.stat().next, kBatch, 'v'));
    world.run();
  }
  EXPECT_TRUE(log.stat().failed);
  EXPECT_EQ(log.sync().code(), ION_E_FAILED);
  world.kill(log);
}

}  // namespace
}  // namespace ion::storage_mmap
