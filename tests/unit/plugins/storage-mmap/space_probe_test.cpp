// Whether the disk has space: asked without being in the way of who wants some.
#include "support/mmap_fixture.h"
#include "support/thread_executor.h"

#include <gtest/gtest.h>

#include <future>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

Code probe(MmapFixture& world) {
  Asked asked([&](Op& op) { return world.storage().space(op); });
  world.run();
  return asked.code();
}

TEST(SpaceProbe, says_no_until_what_was_refused_would_be_taken_and_leaves_nothing_behind) {
  StorageMmapConfig config;
  config.prepare_ahead = 0;
  MmapFixture world(config);
  EXPECT_EQ(probe(world), ION_OK);
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"small"}).ok());
  world.disk.set_total_bytes(world.disk.used_bytes() + (512 << 10));
  EXPECT_EQ(log.append(make_batch_of({1}, 1 << 20)).code(), ION_E_NO_SPACE);
  EXPECT_EQ(probe(world), ION_E_NO_SPACE);  // a small segment would find space, the one that was refused would not
  world.disk.set_total_bytes(uint64_t{1} << 30);
  world.disk.add_fault({DiskOp::kAllocate, "space-probe", ION_E_NO_SPACE});
  EXPECT_EQ(probe(world), ION_E_NO_SPACE);  // a quota: the file system has space, and not for us
  EXPECT_EQ(probe(world), ION_OK);
  EXPECT_TRUE(log.append(make_batch_of({1}, 1 << 20)).ok());
  EXPECT_TRUE(log.close().ok());
  for (const std::string& name : world.disk.names_in("")) EXPECT_NE(name, "space-probe");
}

TEST(SpaceProbe, asks_for_the_largest_of_the_logs_that_are_there_and_wait_for_space) {
  StorageMmapConfig config;
  config.prepare_ahead = 0;
  MmapFixture world(config);
  LogDriver large = world.open("p/large/0", {.segment_bytes = 1 << 20}), small = world.open("p/small/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(large.add({"x"}).ok() && small.add({"x"}).ok());
  const uint64_t used = world.disk.used_bytes();
  world.disk.set_total_bytes(used + (64 << 10));
  EXPECT_EQ(large.append(make_batch_of({1}, 1 << 20)).code(), ION_E_NO_SPACE);
  EXPECT_EQ(small.append(make_batch_of({1}, 300 << 10)).code(), ION_E_NO_SPACE);
  world.disk.set_total_bytes(used + (512 << 10));
  EXPECT_EQ(probe(world), ION_E_NO_SPACE);
  ASSERT_TRUE(large.close().ok());
  EXPECT_EQ(probe(world), ION_OK) << "nobody wants a megabyte any more";
  EXPECT_TRUE(small.append(make_batch_of({1}, 300 << 10)).ok());
  EXPECT_TRUE(small.close().ok());
}

// Nobody has to know which log has large segments.
TEST(SpaceProbe, that_says_yes_speaks_for_every_log_also_for_one_with_large_segments) {
  StorageMmapConfig config;
  config.prepare_ahead = 0;
  MmapFixture world(config);
  const OpenOptions options{.segment_bytes = 64 << 20};
  LogDriver large = world.open("p/large/0", options);
  int64_t next = 0;
  const auto fill_segments_up_to = [&](uint64_t bytes) {
    while (world.disk.used_bytes() < bytes) ASSERT_TRUE(large.append(make_batch_of({next++}, 60 << 10)).ok());
  };
  const auto leave = [&](uint64_t bytes) { world.disk.set_total_bytes((world.disk.used_bytes() + bytes) * 100 / 95); };
  fill_segments_up_to(5 << 20);
  leave(300 << 10);
  for (int i = 0; i < 90 && probe(world) == ION_OK; ++i) ASSERT_TRUE(large.append(make_batch_of({next++}, 60 << 10)).ok()) << i;
  EXPECT_EQ(probe(world), ION_E_NO_SPACE) << "the small segments that were left are used up";
  world.disk.set_total_bytes(uint64_t{1} << 30);
  fill_segments_up_to(20 << 20);
  ASSERT_TRUE(large.close().ok());
  LogDriver resumed = world.open("p/large/0", options);
  leave(300 << 10);
  EXPECT_EQ(probe(world), ION_OK);
  EXPECT_TRUE(resumed.append(make_batch_of({next++}, 60 << 10)).ok()) << "the last segment is not made twice as long here";
  EXPECT_EQ(resumed.stat().next.v, next);
  EXPECT_TRUE(resumed.close().ok());
}

TEST(SpaceProbe, says_yes_when_only_what_nobody_waits_for_found_no_space) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 64 << 20});
  world.disk.add_fault({DiskOp::kAllocate, "ahead-2", ION_E_NO_SPACE, 0, UINT64_MAX});
  ASSERT_TRUE(log.append(make_batch_of({0}, 60 << 10)).ok());  // asks for 256 KiB ahead
  world.run();
  world.disk.set_total_bytes((world.disk.used_bytes() + (100 << 10)) * 100 / 95);
  EXPECT_EQ(probe(world), ION_OK);
  EXPECT_TRUE(log.close().ok());
}

// The probe has its file when a log asks for the same space: there is enough for one of them.
TEST(SpaceProbe, takes_no_space_from_a_log) {
  FakeDisk disk;
  FakeFiles files(disk);
  FakeClock clock;
  FakeTimers timers{clock};
  SeededRandom random(7);
  RecordingLog log;
  ThreadExecutor executor;
  StorageMmapConfig config;
  config.prepare_ahead = 0, config.refuse_produce_at = 1;
  MmapStorage storage({files, executor, timers, clock, random, log}, config);
  ASSERT_TRUE(storage.start().ok());
  const auto code = [](auto&& start) {
    std::promise<Code> answered;
    call(start, [&](const ion_result& r) { answered.set_value(static_cast<Code>(r.status)); });
    return answered.get_future().get();
  };
  std::unique_ptr<Log> vital;
  ASSERT_EQ(code([&](Op& op) { return storage.open(op, "raft/g", {.segment_bytes = 64 << 10}, &vital); }), ION_OK);
  disk.set_total_bytes(disk.used_bytes() + (100 << 10));
  std::promise<void> probing, refused;
  bool first = true;
  disk.after_allocate([&](const std::string& path, const Status& status) {
    if (path.find("space-probe") != std::string::npos && std::exchange(first, false)) probing.set_value(), refused.get_future().wait();
    else if (status.code() == ION_E_NO_SPACE) refused.set_value();
  });
  std::promise<Code> probed;
  call([&](Op& op) { return storage.space(op); }, [&](const ion_result& r) { probed.set_value(static_cast<Code>(r.status)); });
  probing.get_future().wait();
  const TestBatch batch = make_batch({0}, {"x"});
  EXPECT_EQ(code([&](Op& op) { return vital->append(op, {&batch.raw, 1}); }), ION_OK);
  EXPECT_EQ(probed.get_future().get(), ION_OK);
  EXPECT_EQ(code([&](Op& op) { return vital->close(op); }), ION_OK);
  EXPECT_EQ(code([&](Op& op) { return storage.drain(op); }), ION_OK);
}

// The first try fails because of a probe; the second must not meet the next one.
TEST(SpaceProbe, does_not_begin_while_a_log_tries_again) {
  FakeDisk disk;
  FakeFiles files(disk);
  disk.set_total_bytes(64 << 20);
  SpaceProbe probe;
  const auto probes = [&] { return disk.count(DiskOp::kAllocate, "space-probe"); };
  int tries = 0;
  const Status made = probe.allocate([&]() -> Status {
    const Status probed = probe.run(files, {});
    EXPECT_EQ(probed.code(), tries == 0 ? ION_OK : ION_E_BUSY) << probed.text();
    return ++tries == 1 ? Status(ION_E_NO_SPACE, "the probe had it") : Status();
  });
  EXPECT_TRUE(made.ok());
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(probes(), 1u);
  EXPECT_TRUE(probe.run(files, {}).ok());
  EXPECT_EQ(probes(), 2u);
}

}  // namespace
}  // namespace ion::storage_mmap
