// Sealed segments are looked at again by themselves: what the disk has changed is told without a reader, at the rate that was set, and
// nothing is done where nothing is due.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

constexpr const char* kSecond = "logs/p+a+0/00000000000000000004.log";
constexpr uint64_t kPerSecond = 64u << 10;  // one piece

StorageMmapConfig config(uint64_t bytes_per_second = kPerSecond) {
  StorageMmapConfig c;
  c.scrub_bytes_per_second = bytes_per_second, c.scrub_period = seconds(3'600);
  return c;
}

// Twelve batches of 1,000 bytes in three segments, the last of which is active; the process was restarted an hour later.
std::unique_ptr<FakeDisk> disk_with_twelve() {
  MmapFixture world(config());
  LogDriver log = world.open();
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(log.append(make_batch_of({i}, 1000, static_cast<uint8_t>('a' + i))).ok());
  EXPECT_TRUE(log.close().ok());
  return world.disk.clone();
}
uint64_t reads_of(MmapFixture& world, const char* file = ".log") { return world.disk.count(DiskOp::kPread, file); }

TEST(Scrub, a_flipped_bit_is_told_with_its_offsets_before_anybody_reads_it_and_the_rest_stays_readable) {
  for (const uint64_t byte : {10u, 500u, 1'500u, 3'999u}) {
    SCOPED_TRACE(byte);
    auto disk = disk_with_twelve();
    disk->flip(kSecond, byte, 3);
    MmapFixture world(config(), std::move(disk));
    LogDriver log = world.open();
    world.pass(seconds(1'800));
    EXPECT_FALSE(log.stat().damaged) << "a look comes a period after what it looks at was written";
    world.pass(seconds(2'000));
    const LogStat s = log.stat();
    ASSERT_TRUE(s.damaged);
    EXPECT_GE(s.bad_from.v, 4);
    EXPECT_LE(s.bad_upto.v, 8);
    EXPECT_EQ(world.log.count("ERROR damage"), 1u);
    EXPECT_EQ(log.read({0}, {1}).text(), value_of_batch_of(1000, 'a'));
    EXPECT_EQ(log.read({9}, {10}).text(), value_of_batch_of(1000, 'j'));
    EXPECT_EQ(log.read(s.bad_from, {INT64_MAX}, 1).status.code(), ION_E_CORRUPT);
    EXPECT_EQ(log.add({"more"}).code(), ION_E_CORRUPT);
    world.pass(seconds(8'000));
    EXPECT_EQ(world.log.count("ERROR damage"), 1u) << "what is known is not told again";
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Scrub, a_segment_file_that_is_gone_is_told_and_an_index_that_is_wrong_is_no_damage) {
  auto disk = disk_with_twelve();
  disk->flip("logs/p+a+0/00000000000000000000.index", 60, 1);
  MmapFixture world(config(), std::move(disk));
  LogDriver log = world.open();
  world.disk.take_away(kSecond);
  world.pass(seconds(4'000));
  EXPECT_EQ(log.stat().bad_from.v, 4);
  EXPECT_EQ(log.stat().bad_upto.v, 8);
  EXPECT_EQ(world.log.count("ERROR damage"), 1u);
  EXPECT_TRUE(log.close().ok());
}

TEST(Scrub, what_was_looked_at_is_not_read_again_before_the_period_is_over_and_the_active_segment_never) {
  MmapFixture world(config(), disk_with_twelve());
  LogDriver log = world.open();
  const uint64_t before = reads_of(world), active = reads_of(world, "00008.log");
  world.pass(seconds(4'000));
  EXPECT_EQ(reads_of(world), before + 2);
  EXPECT_EQ(reads_of(world, "00008.log"), active);
  world.pass(seconds(3'000));
  EXPECT_EQ(reads_of(world), before + 2);
  world.pass(seconds(1'000));
  EXPECT_EQ(reads_of(world), before + 4);
  EXPECT_FALSE(log.stat().damaged);
  EXPECT_TRUE(log.close().ok());
}

TEST(Scrub, no_more_is_read_in_a_second_than_was_set) {
  MmapFixture world(config());
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 60'000)).ok());
  ASSERT_TRUE(log.seal().ok());
  world.run();
  const uint64_t stored = log.stat().bytes, before = reads_of(world);
  world.pass(seconds(3'600));
  uint64_t after_ten = 0;
  for (int i = 0; i < 10; ++i) world.pass(seconds(1));
  after_ten = reads_of(world) - before;
  EXPECT_GE(after_ten, 4u);
  EXPECT_LE(after_ten * kPerSecond, 14 * kPerSecond);
  world.pass(seconds(static_cast<int64_t>(2 * stored / kPerSecond)));
  EXPECT_GE((reads_of(world) - before) * kPerSecond, stored) << "all of it";
  EXPECT_FALSE(log.stat().damaged);
  EXPECT_TRUE(log.close().ok());
}

TEST(Scrub, where_nothing_is_due_there_is_one_timer_and_it_fires_once_an_hour) {
  MmapFixture world(config());
  std::vector<LogDriver> logs;
  for (int i = 0; i < 5; ++i) logs.push_back(world.open("p/a/" + std::to_string(i)));
  ASSERT_TRUE(logs[0].add({"not sealed"}).ok());
  world.pass(seconds(60));
  EXPECT_EQ(world.timers.armed(), 1u);
  EXPECT_LE(world.pass(seconds(24 * 3'600)), 25);
  EXPECT_EQ(world.timers.armed(), 1u);
  for (LogDriver& log : logs) EXPECT_TRUE(log.close().ok());
}

TEST(Scrub, a_rate_of_zero_reads_nothing_and_has_no_timer) {
  MmapFixture world(config(0), disk_with_twelve());
  LogDriver log = world.open();
  const uint64_t before = reads_of(world);
  EXPECT_EQ(world.timers.armed(), 0u);
  world.pass(seconds(100'000));
  EXPECT_EQ(reads_of(world), before);
  EXPECT_TRUE(log.close().ok());
}

TEST(Scrub, a_segment_that_is_replaced_or_deleted_while_it_is_read_is_no_loss) {
  for (const bool deleted : {true, false}) {
    MmapFixture world(config());
    const OpenOptions options{.compaction = true, .segment_bytes = 1 << 20};
    LogDriver log = world.open("p/a/0", options);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 60'000)).ok());
    ASSERT_TRUE(log.seal().ok());
    world.run();
    world.pass(seconds(3'602));  // the first pieces
    if (deleted) ASSERT_TRUE(log.truncate_prefix({5}).ok());
    else ASSERT_TRUE(log.replace({0}, {5}, [] { std::vector<TestBatch> all; all.push_back(make_batch({4}, {"kept"})); return all; }()).ok());
    world.pass(seconds(100));
    EXPECT_FALSE(log.stat().damaged);
    EXPECT_EQ(world.log.count("ERROR"), 0u);
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Scrub, the_storage_drains_while_a_segment_is_read) {
  MmapFixture world(config());
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 60'000)).ok());
  ASSERT_TRUE(log.seal().ok());
  world.run();
  world.pass(seconds(3'602));
  ASSERT_EQ(world.timers.armed(), 1u);
  EXPECT_TRUE(log.close().ok());
  world.stop();
  EXPECT_EQ(world.timers.armed(), 0u);
  EXPECT_EQ(world.disk.open_files("logs/"), 0u);
}

}  // namespace
}  // namespace ion::storage_mmap
