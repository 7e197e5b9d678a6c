// Real threads on one log: one appends, syncs, truncates and seals, others read and ask for its state all the time. For the thread
// sanitizer, and for what readers must see at any moment: whole batches, in order, exactly as they were appended.
#include "contract/storage/storage_fixtures.h"
#include "contract/storage/trace.h"
#include "support/thread_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace ion::test {
namespace {

constexpr int64_t kBatches = 1500;

// What batch number n holds: the number, so that a reader can check it without knowing what was appended.
TestBatch numbered(Offset base) {
  const std::string tag = std::to_string(base.v) + ":";
  return make_batch(base, {tag + std::string(static_cast<size_t>(base.v * 37 % 300), 'x'), tag});
}

// A reader that follows the log until `stop`.
void follow(Log& log, const std::atomic<bool>& stop, std::atomic<int64_t>& seen) {
  Offset at{0};
  for (bool last = false; !last;) {
    last = stop.load();
    const LogStat s = log.stat();
    if (at < s.first) at = s.first;
    Asked asked([&](Op& op) { return log.read(op, at, {INT64_MAX}, 8'000); });
    ASSERT_TRUE(asked.wait());
    if (asked.code() == ION_E_OUT_OF_RANGE) {  // cut at either end meanwhile
      at = log.stat().first;
      continue;
    }
    ASSERT_EQ(asked.code(), ION_OK) << asked.status().text();
    Outcome o = asked.take();
    const ReadBack back{o.status, {static_cast<int64_t>(o.u0)}, {static_cast<int64_t>(o.u1)}, std::move(o.bufs)};
    if (back.bytes() == 0) {
      std::this_thread::yield();
      continue;
    }
    Offset expected = back.base;
    for (const batch::Header& h : back.headers()) {
      ASSERT_EQ(h.base_offset, expected);
      ASSERT_EQ(h.count, 2);
      expected = h.next_offset();
    }
    ASSERT_EQ(expected, back.next);
    ASSERT_TRUE(back.text().starts_with(std::to_string(back.base.v) + ":"));
    at = back.next;
    seen.fetch_add(1);
  }
}

void run_threads(Storage& storage, bool may_sync) {
  StorageDriver driver(storage, [](const Asked& asked) { ION_ASSERT(asked.wait()); });
  LogDriver log = *driver.open("p/a/0", {.segment_bytes = 16 << 10});
  std::atomic<bool> stop{false};
  std::atomic<int64_t> seen{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back([&] { follow(log.log(), stop, seen); });
  std::vector<Asked> syncs;
  for (int64_t i = 0; i < kBatches; ++i) {
    const Status appended = log.append(numbered(log.log().stat().next));
    ASSERT_TRUE(appended.ok()) << appended.text();
    if (may_sync) syncs.push_back(Asked([&](Op& op) { return log.log().sync(op, log.log().stat().next); }));
    if (i % 400 == 399) {
      ASSERT_TRUE(log.truncate_prefix(log.log().stat().next + -300).ok());
    }
    if (i % 500 == 499) {
      ASSERT_TRUE(log.seal().ok());
    }
    if (i % 333 == 332) {
      ASSERT_TRUE(log.truncate_suffix(log.log().stat().next + -20).ok());
    }
  }
  for (const Asked& s : syncs) {
    ASSERT_TRUE(s.wait());
    EXPECT_TRUE(s.code() == ION_OK || s.code() == ION_E_CANCELLED) << s.status().text();
  }
  while (seen.load() < 10) std::this_thread::yield();  // readers got something; the test's own timeout is the bound
  stop = true;
  for (std::thread& t : readers) t.join();
  Offset expected = log.stat().first;
  for (const TracedBatch& b : all_batches(log)) {
    EXPECT_LE(b.base, expected);
    expected = b.next;
  }
  EXPECT_EQ(expected, log.stat().next);
  EXPECT_TRUE(log.close().ok());
}

TEST(Threads, read_while_one_appends_to_storage_mmap) {
  FakeDisk disk;
  FakeFiles files(disk);
  FakeClock clock;
  FakeTimers timers{clock};
  SeededRandom random(1);
  RecordingLog log;
  ThreadExecutor executor;
  storage_mmap::StorageMmapConfig config;
  config.open_segments_max = 16;
  config.writeback_bytes = 4096;
  storage_mmap::MmapStorage storage({files, executor, timers, clock, random, log}, config);
  ASSERT_TRUE(storage.start().ok());
  ASSERT_NO_FATAL_FAILURE(run_threads(storage, true));
  const Asked drained([&](Op& op) { return storage.drain(op); });
  EXPECT_TRUE(drained.wait());
  EXPECT_EQ(log.count("ERROR"), 0u) << log.text();
}

TEST(Threads, read_while_one_appends_to_storage_memory) {
  MemoryStorageFixture world;
  ASSERT_NO_FATAL_FAILURE(run_threads(world.storage(), false));
}

// Many logs, each with its own appender; every append is synced before the next one.
TEST(Threads, of_many_logs_share_rounds_of_group_commit) {
  FakeDisk disk;
  FakeFiles files(disk);
  FakeClock clock;
  FakeTimers timers{clock};
  SeededRandom random(1);
  RecordingLog log;
  ThreadExecutor executor;
  storage_mmap::MmapStorage storage({files, executor, timers, clock, random, log}, {});
  ASSERT_TRUE(storage.start().ok());
  constexpr int kLogs = 16, kRounds = 40;
  std::vector<std::thread> appenders;
  for (int i = 0; i < kLogs; ++i)
    appenders.emplace_back([&storage, i] {
      StorageDriver driver(storage, [](const Asked& asked) { ION_ASSERT(asked.wait()); });
      LogDriver own = *driver.open("p/t/" + std::to_string(i), {.segment_bytes = 8192});
      for (int64_t n = 0; n < kRounds; ++n) {
        ASSERT_TRUE(own.append(numbered(own.log().stat().next)).ok());
        ASSERT_TRUE(own.sync().ok());
        ASSERT_EQ(own.log().stat().durable, own.log().stat().next);
      }
      ASSERT_TRUE(own.close().ok());
    });
  for (std::thread& t : appenders) t.join();
  EXPECT_LE(storage.sync_rounds(), static_cast<uint64_t>(kLogs * kRounds));
  const Asked drained([&](Op& op) { return storage.drain(op); });
  EXPECT_TRUE(drained.wait());
}

}  // namespace
}  // namespace ion::test
