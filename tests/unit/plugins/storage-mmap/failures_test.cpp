// What the host can answer no to: flushes, writes, space, the directory itself, the pool. Nothing is claimed that is not so, and
// what can recover does so by itself.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

TEST(FailedSync, makes_the_log_failed_for_good_and_reads_go_on) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"durable"}).ok() && log.sync().ok());
  ASSERT_TRUE(log.add({"lost"}).ok());
  world.disk.add_fault({DiskOp::kSyncData, ".log", ION_E_IO});
  std::vector<Asked> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(Asked([&](Op& op) { return log.log().sync(op, {2}); }));
  world.run();
  for (const Asked& a : waiting) EXPECT_EQ(a.code(), ION_E_FAILED) << a.status().text();
  // No retry, no later success: the pages are gone although a second flush would say OK.
  EXPECT_EQ(log.sync().code(), ION_E_FAILED);
  EXPECT_EQ(log.add({"never"}).code(), ION_E_FAILED);
  EXPECT_EQ(log.truncate_suffix({0}).code(), ION_E_FAILED);
  EXPECT_TRUE(log.stat().failed);
  EXPECT_EQ(log.stat().durable.v, 1);
  EXPECT_EQ(log.text(), "durable,lost");
  LogDriver other = world.open("p/b/0");
  ASSERT_TRUE(other.add({"fine"}).ok());
  EXPECT_TRUE(other.sync().ok());
  EXPECT_TRUE(other.close().ok());
  EXPECT_TRUE(log.close().ok());
  // After a power cut only what was durable is there, and it is whole.
  SeededRandom random(3);
  world.stop();
  world.disk.lose_power(random);
  world.start();
  LogDriver again = world.open();
  EXPECT_FALSE(again.stat().damaged);
  EXPECT_EQ(again.read({0}, {1}).text(), "durable");
  EXPECT_TRUE(again.close().ok());
}

// The pages of a flush that failed count as clean and are not on the disk. A process that comes after it reads them, and a flush of its own
// would say OK and write nothing.
TEST(FailedSync, is_made_good_by_the_next_process_before_it_claims_what_it_reads) {
  for (const bool in_a_later_segment : {false, true}) {
    MmapFixture world;
    LogDriver log = world.open();
    ASSERT_TRUE(log.add({"durable"}).ok() && log.sync().ok());
    if (in_a_later_segment) {
      ASSERT_TRUE(log.seal().ok());
    }
    ASSERT_TRUE(log.add({std::string(2000, 'x')}).ok() && log.add({"read"}).ok());
    world.disk.add_fault({DiskOp::kSyncData, "p+a+0", ION_E_IO});
    ASSERT_EQ(log.sync().code(), ION_E_FAILED);
    world.kill(log);
    LogDriver next = world.open();
    const std::string claimed = next.text();
    ASSERT_EQ(claimed, "durable," + std::string(2000, 'x') + ",read");
    EXPECT_EQ(next.stat().durable.v, 3);
    std::vector<std::unique_ptr<Log>> logs;
    logs.push_back(next.abandon());
    SeededRandom random(3);
    world.die(std::move(logs), [&] { world.disk.lose_power(random); });
    LogDriver again = world.open();
    EXPECT_FALSE(again.stat().damaged);
    EXPECT_EQ(again.text(), claimed);
    EXPECT_TRUE(again.close().ok());
  }
}

TEST(FailedSync, of_the_mark_file_fails_every_later_claim) {
  MmapFixture world;
  LogDriver log = world.open("raft/g", {.exact_mark = true});
  ASSERT_TRUE(log.add({"x"}).ok());
  world.disk.add_fault({DiskOp::kSyncData, "marks", ION_E_IO});
  EXPECT_EQ(log.sync().code(), ION_E_FAILED);
  EXPECT_EQ(log.sync().code(), ION_E_FAILED);
  EXPECT_EQ(world.driver().open("p/b/0").error().code(), ION_E_FAILED);
  EXPECT_TRUE(log.close().ok());
}

TEST(FailedSync, of_a_mark_file_that_grows_is_one_that_fails_for_good_whatever_it_says) {
  MmapFixture world;
  world.disk.add_fault({DiskOp::kSyncData, "marks", ION_E_NO_SPACE});  // once; the first log makes it grow
  for (const char* log : {"p/a/0", "p/b/0"}) EXPECT_EQ(world.driver().open(log).error().code(), ION_E_FAILED) << log;
}

TEST(FailedWrite, fails_the_log_and_leaves_its_end_as_it_was) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"kept"}).ok());
  world.disk.add_fault({DiskOp::kPwrite, ".log", ION_E_IO});
  EXPECT_EQ(log.add({"half written"}).code(), ION_E_FAILED);
  EXPECT_EQ(log.stat().next.v, 1);
  EXPECT_EQ(log.text(), "kept");
  EXPECT_EQ(log.sync().code(), ION_E_FAILED);
  EXPECT_TRUE(log.close().ok());
  LogDriver again = world.open();
  EXPECT_EQ(again.text(), "kept");
  EXPECT_TRUE(again.close().ok());
}

TEST(NoSpace, in_the_middle_of_a_write_loses_nothing_and_recovers_by_itself) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"kept"}).ok());
  world.disk.add_fault({DiskOp::kPwrite, ".log", ION_E_NO_SPACE});
  EXPECT_EQ(log.append(make_batch_of({1}, 600, 'g')).code(), ION_E_NO_SPACE);
  EXPECT_EQ(log.stat().next.v, 1);
  EXPECT_FALSE(log.stat().failed);
  ASSERT_TRUE(log.add({"after"}).ok());
  EXPECT_EQ(log.text(), "kept,after");
  world.kill(log);  // what half a write left behind is not found either
  LogDriver again = world.open();
  EXPECT_EQ(again.text(), "kept,after");
  EXPECT_FALSE(again.stat().damaged);
  EXPECT_TRUE(again.close().ok());
}

TEST(NoSpace, at_preparation_answers_so_and_space_that_returns_is_used) {
  StorageMmapConfig config;
  config.prepare_ahead = 0;  // else the next one is there already
  MmapFixture world(config);
  LogDriver log = world.open("raft/g", {.segment_bytes = 4096});
  ASSERT_TRUE(log.append(make_batch_of({0}, 3000)).ok());
  world.disk.set_total_bytes(world.disk.used_bytes() + 1000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(log.append(make_batch_of({1}, 3000)).code(), ION_E_NO_SPACE);
  EXPECT_EQ(log.stat().next.v, 1);
  EXPECT_TRUE(log.sync().ok());  // what is there can be made durable
  ASSERT_TRUE(log.add({"a small one still fits"}).ok());
  EXPECT_EQ(world.log.count("no further segment"), 1u);  // told once
  world.disk.set_total_bytes(uint64_t{1} << 30);
  EXPECT_TRUE(log.append(make_batch_of({2}, 3000)).ok());
  EXPECT_EQ(log.stat().next.v, 3);
  EXPECT_EQ(world.log.count("segments are made again"), 1u);
  EXPECT_TRUE(log.close().ok());
  EXPECT_TRUE(world.disk.names_in("logs/raft+g").size() <= 5);  // nothing half-made is left
}

TEST(NoSpace, for_the_name_of_a_segment_leaves_no_file_behind) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 8192});
  ASSERT_TRUE(log.add({"kept"}).ok());
  world.run();
  const auto files = world.disk.names_in("logs/p+a+0");
  world.disk.add_fault({DiskOp::kRename, "ahead", ION_E_NO_SPACE, 0, 3});
  EXPECT_EQ(log.seal().code(), ION_E_NO_SPACE);
  EXPECT_EQ(log.truncate_suffix({0}).code(), ION_E_NO_SPACE);
  EXPECT_EQ(log.truncate_prefix({9}).code(), ION_E_NO_SPACE);
  EXPECT_EQ(world.disk.names_in("logs/p+a+0"), files);
  EXPECT_EQ(log.text(), "kept");
  ASSERT_TRUE(log.sync().ok());
  SeededRandom random(5);
  std::vector<std::unique_ptr<Log>> logs;
  logs.push_back(log.abandon());
  world.die(std::move(logs), [&] { world.disk.lose_power(random); });
  LogDriver again = world.open();
  EXPECT_EQ(again.text(), "kept");
  EXPECT_TRUE(again.truncate_prefix({9}).ok());
  EXPECT_TRUE(again.close().ok());
}

TEST(NoSpace, above_the_share_that_is_kept_free_a_log_can_still_be_emptied_which_makes_space) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(log.append(make_batch_of(log.stat().next, 20'000)).ok());
  world.run();
  world.disk.set_total_bytes(1'100'000);  // nearly all of it is taken, and no segment is made for records
  ASSERT_TRUE(log.truncate_prefix(log.stat().next).ok());
  EXPECT_EQ(log.stat().bytes, 0u);
  EXPECT_EQ(log.stat().first.v, 40);
  EXPECT_TRUE(log.append(make_batch_of({40}, 20'000)).ok());
  EXPECT_TRUE(log.close().ok());
}

TEST(NoSpace, at_all_leaves_a_log_that_is_emptied_with_its_files_and_without_its_records) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"a", "b"}).ok());
  world.run();
  world.disk.add_fault({DiskOp::kAllocate, "ahead", ION_E_NO_SPACE, 0, 8});
  ASSERT_TRUE(log.truncate_prefix({2}).ok());
  EXPECT_EQ(log.stat().first.v, 2);
  EXPECT_EQ(log.text({2}), "");
  ASSERT_TRUE(log.close().ok());
  world.restart();
  log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  EXPECT_EQ(log.stat().first.v, 2);
  EXPECT_EQ(log.stat().next.v, 2);
  EXPECT_TRUE(log.add({"c"}).ok());
  EXPECT_EQ(log.text({2}), "c");
  EXPECT_TRUE(log.close().ok());
}

TEST(NoSpace, for_a_name_or_a_mark_at_a_sync_loses_nothing_and_the_same_sync_succeeds_later) {
  for (const FaultRule& fault : {FaultRule{DiskOp::kRename, "ahead", ION_E_NO_SPACE, 0, 3}, FaultRule{DiskOp::kPwrite, "marks", ION_E_NO_SPACE, 0, 2}}) {
    MmapFixture world;
    LogDriver log = world.open("raft/g", {.exact_mark = true, .segment_bytes = 4096});
    world.disk.add_fault(fault);  // the rename is also tried behind the append, where nobody waits for it
    ASSERT_TRUE(log.append(make_batch_of({0}, 600, 'a')).ok());
    for (int i = 0; i < 2; ++i) EXPECT_EQ(log.sync().code(), ION_E_NO_SPACE);
    EXPECT_EQ(log.stat().durable.v, 0);
    EXPECT_FALSE(log.stat().failed);
    ASSERT_TRUE(log.append(make_batch_of({1}, 600, 'b')).ok());
    EXPECT_TRUE(log.sync().ok());
    EXPECT_EQ(log.stat().durable.v, 2);
    SeededRandom random(11);
    std::vector<std::unique_ptr<Log>> logs;
    logs.push_back(log.abandon());
    world.die(std::move(logs), [&] { world.disk.lose_power(random); });
    LogDriver again = world.open("raft/g", {.exact_mark = true});
    EXPECT_FALSE(again.stat().damaged);
    EXPECT_EQ(again.stat().next.v, 2);
    EXPECT_TRUE(again.close().ok());
  }
}

TEST(FailedSync, that_says_no_space_ends_the_log_like_any_other) {
  struct Case {
    DiskOp op;
    const char* path;
    uint32_t skip;
  };
  // The mark file is flushed before the first segment is used, then with the mark of the sync.
  for (const Case& c : {Case{DiskOp::kSyncData, ".log", 0}, {DiskOp::kSyncData, "marks", 0}, {DiskOp::kSyncData, "marks", 1}, {DiskOp::kSyncDir, "raft+g", 0}}) {
    MmapFixture world;
    LogDriver log = world.open("raft/g", {.exact_mark = true});
    world.disk.add_fault({c.op, c.path, ION_E_NO_SPACE, c.skip});
    const Status added = log.add({"x"});  // makes the segment, and with it the log's first mark
    EXPECT_EQ((added.ok() ? log.sync().code() : added.code()), ION_E_FAILED) << c.path << " " << c.skip;
    EXPECT_EQ(log.add({"y"}).code(), ION_E_FAILED) << c.path << " " << c.skip;
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(UnreadablePage, is_an_error_of_the_reads_that_need_it_and_of_no_other) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
  // The header of batch 50, which a search for any batch behind the same index entry has to pass.
  world.disk.add_fault({.op = DiskOp::kBringIn, .path_part = ".log", .times = UINT64_MAX, .byte = 50'000});
  EXPECT_EQ(log.read({50}, {51}).status.code(), ION_E_IO);
  EXPECT_EQ(log.read({0}, {10}, 10'000).bytes(), 10'000u);
  EXPECT_EQ(log.read({180}, {200}, 10'000).bytes(), 10'000u);
  EXPECT_EQ(log.truncate_suffix({51}).code(), ION_E_IO);
  EXPECT_FALSE(log.stat().failed);
  world.disk.clear_faults();
  EXPECT_TRUE(log.read({50}, {51}).status.ok());
  EXPECT_TRUE(log.close().ok());
}

TEST(DamageWords, name_the_offset_from_which_reading_goes_on_and_no_command_that_is_not_there) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"x"}).ok() && log.close().ok());
  world.disk.flip("logs/p+a+0/00000000000000000000.log", 62, 1);
  LogDriver again = world.open();
  EXPECT_EQ(again.read({0}).status.message().find("`"), std::string::npos) << again.read({0}).status.text();
  EXPECT_NE(again.read({0}).status.message().find("offset 1"), std::string::npos) << again.read({0}).status.text();
  EXPECT_TRUE(again.close().ok());
}

TEST(SlowDisk, is_told_once_a_second) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"x"}).ok() && log.sync().ok());
  const auto told = [&] { return world.log.count("slow disk"); };
  EXPECT_EQ(told(), 0u);
  Nanos takes = milliseconds(1100);
  world.disk.before_flush([&] { world.clock.advance(takes); });
  ASSERT_TRUE(log.add({"x"}).ok() && log.sync().ok());
  EXPECT_EQ(told(), 1u);
  ASSERT_TRUE(log.add({"x"}).ok() && log.sync().ok());
  EXPECT_EQ(told(), 2u);
  takes = milliseconds(900);
  ASSERT_TRUE(log.add({"x"}).ok() && log.sync().ok());
  EXPECT_EQ(told(), 2u);
  world.disk.before_flush(nullptr);
  EXPECT_TRUE(log.close().ok());
}

TEST(NoSpace, topics_are_refused_first_then_all_but_raft_and_metadata) {
  MmapFixture world;
  LogDriver filler = world.open("state/filler/0");
  ASSERT_TRUE(filler.append(make_batch_of({0}, 4 << 20)).ok());
  std::vector<LogDriver> logs;
  for (const char* name : {"p/a/0", "state/a/0", "raft/g"}) logs.push_back(world.open(name));
  for (LogDriver& log : logs) ASSERT_TRUE(log.append(make_batch_of({0}, 4000)).ok());
  world.run();
  const auto filled_to = [&](uint64_t percent) { world.disk.set_total_bytes(world.disk.used_bytes() * 100 / percent); };
  // More than fits into what is ready already.
  const auto code = [&](size_t i) { return logs[i].append(make_batch_of(logs[i].stat().next, 9000)).code(); };
  filled_to(96);
  EXPECT_EQ(code(0), ION_E_NO_SPACE);
  EXPECT_EQ(code(1), ION_OK);
  filled_to(99);
  EXPECT_EQ(code(0), ION_E_NO_SPACE);
  EXPECT_EQ(code(1), ION_E_NO_SPACE);
  EXPECT_EQ(code(2), ION_OK);
  LogDriver fresh = world.open("p/new/0");  // needs no space until something is appended
  EXPECT_EQ(fresh.add({"no"}).code(), ION_E_NO_SPACE);
  world.disk.set_total_bytes(uint64_t{1} << 30);
  for (size_t i = 0; i < logs.size(); ++i) EXPECT_EQ(code(i), ION_OK);
  EXPECT_TRUE(fresh.add({"yes"}).ok());
  EXPECT_TRUE(fresh.close().ok());
  for (LogDriver& log : logs) EXPECT_TRUE(log.close().ok());
  EXPECT_TRUE(filler.close().ok());
}

TEST(DataDirectory, without_its_identity_is_refused_and_gets_no_other_one) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"kept"}).ok() && log.close().ok());
  const std::vector<uint8_t> identity = world.disk.bytes("identity");
  world.stop();
  world.disk.take_away("identity");
  world.start();
  EXPECT_EQ(world.started.code(), ION_E_CORRUPT);
  EXPECT_NE(world.started.message().find("identity"), std::string::npos) << world.started.text();
  EXPECT_FALSE(world.disk.exists("identity"));
}

TEST(DataDirectory, belongs_to_one_process) {
  MmapFixture world;
  FakeFiles files(world.disk);
  MmapStorage second({files, world.executor, world.timers, world.clock, world.random, world.log}, {});
  const Status s = second.start();
  EXPECT_EQ(s.code(), ION_E_BUSY);
  EXPECT_NE(s.message().find("in use by another process"), std::string::npos);
  EXPECT_NE(s.message().find("lock"), std::string::npos);
  std::unique_ptr<Log> log;
  const Asked refused([&](Op& op) { return second.open(op, "p/a/0", {}, &log); });
  EXPECT_EQ(refused.code(), ION_E_CLOSED);
  EXPECT_EQ(second.identity().error().code(), ION_E_CLOSED);
}

TEST(DataDirectory, that_cannot_be_written_is_a_clear_error) {
  FakeDisk disk;
  disk.add_fault({DiskOp::kOpen, "lock", ION_E_FORBIDDEN});
  MmapFixture world({}, std::make_unique<FakeDisk>());
  FakeFiles files(disk);
  MmapStorage storage({files, world.executor, world.timers, world.clock, world.random, world.log}, {});
  const Status s = storage.start();
  EXPECT_EQ(s.code(), ION_E_FORBIDDEN);
  EXPECT_NE(s.message().find("cannot be written"), std::string::npos);
}

TEST(DataDirectory, whose_identity_does_not_prove_itself_is_not_given_a_new_one) {
  MmapFixture origin;
  for (const int n : {0, 5, 28}) {
    auto disk = origin.disk.clone();
    std::vector<uint8_t> bytes = disk->bytes("identity");
    bytes.resize(static_cast<size_t>(n), 1);
    if (n == 28) bytes[20] ^= 1;
    disk->set_bytes("identity", bytes);
    MmapFixture world({}, std::move(disk));
    EXPECT_EQ(world.started.code(), ION_E_CORRUPT) << n;
  }
}

TEST(FullPool, is_answered_as_overloaded_and_forgotten_when_it_fits) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 4096});
  ASSERT_TRUE(log.append(make_batch_of({0}, 4000)).ok());
  world.run();
  world.executor.set_limit(0);
  EXPECT_EQ(world.driver().open("p/b/0").error().code(), ION_E_OVERLOADED);
  EXPECT_EQ(log.sync().code(), ION_E_OVERLOADED);
  EXPECT_EQ(log.meta_put("k", "v").code(), ION_E_OVERLOADED);
  EXPECT_EQ(log.truncate_suffix({0}).code(), ION_E_OVERLOADED);
  EXPECT_EQ(log.close().code(), ION_E_OVERLOADED);
  world.executor.set_limit(SIZE_MAX);
  EXPECT_TRUE(log.sync().ok());
  EXPECT_TRUE(log.meta_put("k", "v").ok());
  EXPECT_TRUE(log.append(make_batch_of({1}, 4000)).ok());
  EXPECT_TRUE(log.truncate_suffix({0}).ok());
  LogDriver other = world.open("p/b/0");
  EXPECT_TRUE(other.close().ok());
  EXPECT_TRUE(log.close().ok());
}

TEST(FailedClose, leaves_the_handle_with_its_owner_who_may_close_again) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"x"}).ok());
  world.disk.add_fault({DiskOp::kSyncData, ".log", ION_E_IO});
  EXPECT_EQ(log.close().code(), ION_E_FAILED);
  EXPECT_EQ(world.driver().open("p/a/0").error().code(), ION_E_BUSY);
  EXPECT_EQ(log.text(), "x");
  EXPECT_TRUE(log.close().ok());
  LogDriver again = world.open();
  EXPECT_TRUE(again.close().ok());
}

TEST(CutSyncs, are_cancelled) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"a"}).ok() && log.add({"b"}).ok());
  Asked cut([&](Op& op) { return log.log().truncate_suffix(op, {1}); });
  Asked above([&](Op& op) { return log.log().sync(op, {2}); });
  Asked below([&](Op& op) { return log.log().sync(op, {1}); });
  world.run();
  EXPECT_EQ(cut.code(), ION_OK);
  EXPECT_EQ(above.code(), ION_E_CANCELLED) << above.status().text();
  EXPECT_EQ(below.code(), ION_OK);
  EXPECT_TRUE(log.close().ok());
}

TEST(Drain, refuses_what_is_new_and_waits_for_leases) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"held"}).ok());
  ReadBack held = log.read({0});
  ASSERT_TRUE(log.close().ok());
  Asked drained([&](Op& op) { return world.mmap().drain(op); });
  world.run();
  EXPECT_EQ(drained.code(), ION_PENDING);
  EXPECT_EQ(world.driver().open("p/a/0").error().code(), ION_E_CLOSED);
  EXPECT_EQ(held.text(), "held");
  held.bufs.clear();
  EXPECT_EQ(drained.code(), ION_OK);
}

TEST(Leases, above_the_bound_are_refused_until_some_are_given_back) {
  StorageMmapConfig config;
  config.lease_bytes_max = 1500;
  MmapFixture world(config);
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
  ReadBack one = log.read({0}, {1});
  EXPECT_EQ(log.read({1}, {2}).status.code(), ION_E_OVERLOADED);
  one.bufs.clear();
  EXPECT_TRUE(log.read({1}, {2}).status.ok());
  EXPECT_TRUE(log.close().ok());
}

TEST(Removal, that_was_interrupted_is_finished_at_the_next_start) {
  for (uint64_t at = 0;; ++at) {
    MmapFixture world;
    LogDriver log = world.open(), other = world.open("p/b/0");
    ASSERT_TRUE(log.add({"x"}).ok() && other.add({"y"}).ok() && log.close().ok() && other.close().ok());
    world.disk.crash_at_change(at);
    const Status removed = world.driver().remove("p/a/0");
    const bool went_down = world.disk.crashed();
    SeededRandom random(at);
    world.die({}, [&] { world.disk.lose_power(random); });
    ASSERT_TRUE(world.started.ok());
    const std::vector<std::string> left = world.driver().list();
    EXPECT_TRUE(left == std::vector<std::string>{"p/b/0"} || (!removed.ok() && left == std::vector<std::string>{"p/a/0", "p/b/0"})) << at;
    EXPECT_LE(world.disk.names_in("logs").size(), 2u);
    LogDriver again = world.open();
    EXPECT_EQ(again.text(), left.size() == 1 ? "" : "x");
    EXPECT_TRUE(again.close().ok());
    if (!went_down) break;
  }
}

}  // namespace
}  // namespace ion::storage_mmap
