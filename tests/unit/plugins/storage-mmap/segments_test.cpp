// Segments ahead, rolling, names, what is open and mapped.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

std::vector<std::string> files_of(MmapFixture& world, std::string_view part, const std::string& log = "p+a+0") {
  std::vector<std::string> names;
  for (const std::string& name : world.disk.names_in("logs/" + log))
    if (name.find(part) != std::string::npos) names.push_back(name);
  return names;
}

TEST(Segments, are_small_for_small_logs_and_none_waits_ready_for_an_idle_one) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {});
  ASSERT_TRUE(log.add({"little"}).ok());
  world.run();
  EXPECT_EQ(files_of(world, ".log"), (std::vector<std::string>{"00000000000000000000.log"}));
  EXPECT_EQ(world.disk.bytes("logs/p+a+0/00000000000000000000.log").size(), kFirstSegmentBytes);
  EXPECT_TRUE(log.close().ok());
}

TEST(Segments, are_none_for_a_log_that_nothing_was_appended_to_and_making_it_flushes_nothing) {
  MmapFixture world;
  const auto flushes = [&] { return world.disk.count(DiskOp::kSyncData) + world.disk.count(DiskOp::kSyncDir); };
  { LogDriver first = world.open("p/first/0", {}); EXPECT_TRUE(first.close().ok()); }  // the mark file grows
  const uint64_t before = flushes();
  LogDriver log = world.open("p/a/0", {});
  EXPECT_EQ(log.stat().next.v, 0);
  EXPECT_EQ(log.text(), "");
  EXPECT_TRUE(log.sync().ok());
  EXPECT_TRUE(log.seal().ok());
  EXPECT_TRUE(log.close().ok());
  EXPECT_EQ(flushes(), before);
  EXPECT_TRUE(world.disk.names_in("logs/p+a+0").empty());
  EXPECT_EQ(world.driver().list("p/"), (std::vector<std::string>{"p/a/0", "p/first/0"}));
  LogDriver again = world.open("p/a/0", {.existing = true});
  ASSERT_TRUE(again.add({"first"}).ok() && again.sync().ok());
  EXPECT_EQ(again.text(), "first");
  EXPECT_TRUE(again.close().ok());
}

TEST(Segments, give_back_what_lies_behind_their_end_when_the_log_is_closed) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {});
  ASSERT_TRUE(log.append(make_batch_of({0}, 1000, 'a')).ok());
  ASSERT_TRUE(log.close().ok());
  EXPECT_EQ(world.disk.bytes("logs/p+a+0/00000000000000000000.log").size(), 1000u);
  LogDriver again = world.open("p/a/0", {});
  EXPECT_EQ(again.read({0}).text(), value_of_batch_of(1000, 'a'));
  ASSERT_TRUE(again.append(make_batch_of({1}, 1000, 'b')).ok());
  EXPECT_EQ(files_of(world, ".log").size(), 1u);  // the same segment goes on
  EXPECT_EQ(again.read({1}).text(), value_of_batch_of(1000, 'b'));
  world.kill(again);
  LogDriver last = world.open("p/a/0", {});
  EXPECT_EQ(last.stat().next.v, 2);
  EXPECT_EQ(last.read({1}).text(), value_of_batch_of(1000, 'b'));
  EXPECT_TRUE(last.close().ok());
}

TEST(Segments, stay_as_long_as_they_are_while_a_reader_holds_a_part_of_them) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {});
  ASSERT_TRUE(log.add({"held"}).ok());
  {
    const ReadBack held = log.read({0});
    ASSERT_TRUE(log.close().ok());
    EXPECT_EQ(held.text(), "held");
  }
  LogDriver again = world.open("p/a/0", {});
  EXPECT_EQ(again.text(), "held");
  EXPECT_TRUE(again.close().ok());
}

TEST(Descriptors, of_many_logs_that_are_written_to_are_few) {
  StorageMmapConfig config;
  config.open_files_max = 16;
  MmapFixture world(config);
  std::vector<LogDriver> logs;
  for (int i = 0; i < 60; ++i) {
    logs.push_back(world.open("p/a/" + std::to_string(i), {.segment_bytes = 1 << 20}));
    ASSERT_TRUE(logs.back().add({"first"}).ok());
    world.run();
    ASSERT_LE(world.disk.open_files("logs/"), 17u);
  }
  for (LogDriver& log : logs) {
    ASSERT_TRUE(log.add({"second"}).ok());
    world.run();
    ASSERT_LE(world.disk.open_files("logs/"), 17u);
  }
  for (LogDriver& log : logs) {
    ASSERT_TRUE(log.sync().ok());
    EXPECT_EQ(log.text(), "first,second");
  }
  SeededRandom random(11);
  std::vector<std::unique_ptr<Log>> gone;
  for (LogDriver& log : logs) gone.push_back(log.abandon());
  world.die(std::move(gone), [&] { world.disk.lose_power(random); });
  for (int i = 0; i < 60; ++i) {
    LogDriver log = world.open("p/a/" + std::to_string(i), {.segment_bytes = 1 << 20});
    EXPECT_EQ(log.text(), "first,second");
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Descriptors, that_are_closed_with_unflushed_bytes_are_flushed_first_and_a_failure_of_that_fails_the_log) {
  StorageMmapConfig config;
  config.open_files_max = 16;
  MmapFixture world(config);
  LogDriver log = world.open("p/first/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"x"}).ok());
  world.run();
  world.disk.add_fault({DiskOp::kSyncData, "p+first+0", ION_E_IO});
  std::vector<LogDriver> others;
  for (int i = 0; i < 40; ++i) {
    others.push_back(world.open("p/a/" + std::to_string(i), {.segment_bytes = 1 << 20}));
    ASSERT_TRUE(others.back().add({"y"}).ok());
    world.run();
  }
  EXPECT_EQ(log.sync().code(), ION_E_FAILED);
  EXPECT_EQ(log.add({"z"}).code(), ION_E_FAILED);
  EXPECT_TRUE(log.close().ok());
  for (LogDriver& other : others) EXPECT_TRUE(other.close().ok());
}

TEST(Descriptors, that_cannot_be_had_again_are_an_error_of_that_append_only) {
  StorageMmapConfig config;
  config.open_files_max = 16;
  MmapFixture world(config);
  std::vector<LogDriver> logs;
  for (int i = 0; i < 40; ++i) {
    logs.push_back(world.open("p/a/" + std::to_string(i), {.segment_bytes = 1 << 20}));
    ASSERT_TRUE(logs.back().add({"kept"}).ok());
    world.run();
  }
  world.disk.add_fault({DiskOp::kOpen, "p+a+0/", ION_E_OVERLOADED});
  EXPECT_EQ(logs[0].add({"no"}).code(), ION_E_OVERLOADED);
  EXPECT_FALSE(logs[0].stat().failed);
  EXPECT_TRUE(logs[0].add({"more"}).ok());
  EXPECT_EQ(logs[0].text(), "kept,more");
  for (LogDriver& log : logs) EXPECT_TRUE(log.close().ok());
}

// So many batches of 1000 bytes in one call: in one segment.
std::vector<TestBatch> batches_of_1000(int n) {
  std::vector<TestBatch> batches;
  for (int i = 0; i < n; ++i) batches.push_back(make_batch_of({i}, 1000, 'x'));
  return batches;
}

TEST(Restart, of_logs_that_were_closed_opens_no_file_to_write_and_flushes_nothing) {
  MmapFixture world;
  for (const char* name : {"p/a/0", "p/a/1", "p/a/2"}) {
    LogDriver log = world.open(name, {.segment_bytes = 1 << 20});
    ASSERT_TRUE(log.append(batches_of_1000(name[4] == '1' ? 200 : 3)).ok());
    ASSERT_TRUE(log.close().ok());
  }
  world.restart();
  const auto changes = [&] { return world.disk.count(DiskOp::kSyncData) + world.disk.count(DiskOp::kSyncDir) + world.disk.count(DiskOp::kPwrite) + world.disk.count(DiskOp::kMap); };
  const uint64_t before = changes(), read_of_large = world.disk.count(DiskOp::kPread, "p+a+1/00000000000000000000.log");
  std::vector<LogDriver> logs;
  for (const char* name : {"p/a/0", "p/a/1", "p/a/2"}) logs.push_back(world.open(name, {.segment_bytes = 1 << 20}));
  EXPECT_EQ(changes(), before);
  EXPECT_EQ(world.disk.open_files("logs/"), 0u);
  EXPECT_EQ(world.disk.count(DiskOp::kPread, "p+a+1/00000000000000000000.log"), read_of_large);  // a large one is checked when it is read
  EXPECT_EQ(logs[1].read({150}, {151}).text(), value_of_batch_of(1000, 'x'));
  for (LogDriver& log : logs) {
    const Offset next = log.stat().next;
    ASSERT_TRUE(log.append(make_batch_of(next, 1000, 'y')).ok());
    EXPECT_EQ(log.read(next).text(), value_of_batch_of(1000, 'y'));
    EXPECT_EQ(log.read({1}, {2}).text(), value_of_batch_of(1000, 'x'));
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Closing, of_many_logs_at_once_takes_few_jobs) {
  MmapFixture world;
  std::vector<LogDriver> logs;
  for (int i = 0; i < 100; ++i) {
    logs.push_back(world.open("p/a/" + std::to_string(i), {}));
    ASSERT_TRUE(logs.back().add({"x"}).ok());
  }
  world.run();
  world.executor.set_limit(8);
  std::vector<Asked> closed;
  for (LogDriver& log : logs) closed.push_back(Asked([&](Op& op) { return log.log().close(op); }));
  world.run();
  for (const Asked& c : closed) EXPECT_EQ(c.code(), ION_OK) << c.status().text();
  for (LogDriver& log : logs) (void)log.abandon();
  world.executor.set_limit(SIZE_MAX);
}

TEST(Restart, and_stop_without_an_append_in_between_need_nothing_of_the_pool) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {}), empty = world.open("p/b/0", {});
  ASSERT_TRUE(log.add({"kept"}).ok() && log.close().ok());
  LogDriver again = world.open("p/a/0", {});
  world.executor.set_limit(0);
  EXPECT_TRUE(again.close().ok());
  EXPECT_TRUE(empty.close().ok());
  world.executor.set_limit(SIZE_MAX);
}

TEST(Restart, appends_to_a_log_that_was_closed_and_whose_segment_is_damaged_are_refused_once_the_damage_is_known) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.append(batches_of_1000(200)).ok());
  ASSERT_TRUE(log.close().ok());
  world.disk.flip("logs/p+a+0/00000000000000000000.log", 100'500, 3);
  LogDriver again = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(again.append(make_batch_of({200}, 1000, 'y')).ok());
  EXPECT_EQ(again.read({100}).status.code(), ION_E_CORRUPT);
  EXPECT_EQ(again.read({99}, {100}).text(), value_of_batch_of(1000, 'x'));
  EXPECT_EQ(again.read({101}, {102}).text(), value_of_batch_of(1000, 'x'));
  EXPECT_EQ(again.read({200}).text(), value_of_batch_of(1000, 'y'));
  EXPECT_TRUE(again.stat().damaged);
  EXPECT_EQ(again.add({"more"}).code(), ION_E_CORRUPT);
  EXPECT_TRUE(again.close().ok());
}

TEST(Restart, with_no_descriptor_left_refuses_the_append_and_nothing_else) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"kept"}).ok() && log.close().ok());
  LogDriver again = world.open("p/a/0", {.segment_bytes = 1 << 20}), fresh = world.open("p/b/0");
  world.disk.add_fault({DiskOp::kOpen, ".log", ION_E_OVERLOADED, 0, 3});
  EXPECT_EQ(again.add({"no"}).code(), ION_E_OVERLOADED);
  EXPECT_EQ(fresh.add({"no"}).code(), ION_E_OVERLOADED);
  world.disk.clear_faults();
  EXPECT_FALSE(again.stat().failed || again.stat().damaged || fresh.stat().failed);
  EXPECT_TRUE(again.add({"more"}).ok() && fresh.add({"first"}).ok());
  EXPECT_EQ(again.text(), "kept,more");
  EXPECT_TRUE(again.close().ok() && fresh.close().ok());
}

TEST(Restart, with_a_full_disk_refuses_the_append_until_there_is_space) {
  MmapFixture world;
  LogDriver log = world.open("raft/g", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"kept"}).ok() && log.close().ok());
  LogDriver again = world.open("raft/g", {.segment_bytes = 1 << 20});
  world.disk.set_total_bytes(world.disk.used_bytes() + 100);
  EXPECT_EQ(again.add({"no"}).code(), ION_E_NO_SPACE);
  world.disk.set_total_bytes(uint64_t{1} << 30);
  EXPECT_TRUE(again.add({"more"}).ok());
  EXPECT_EQ(again.text(), "kept,more");
  EXPECT_TRUE(again.close().ok());
}

TEST(Segments, wait_ready_before_they_are_needed_so_that_rolling_does_not_wait) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.append(make_batch_of({0}, 3000)).ok());  // more than half: one is made ahead
  world.run();
  EXPECT_EQ(files_of(world, "ahead").size(), 1u);
  const TestBatch next = make_batch_of({1}, 3000);
  const Asked rolled([&](Op& op) { return log.log().append(op, {&next.raw, 1}); });
  EXPECT_EQ(rolled.code(), ION_OK);  // inline
  world.run();
  EXPECT_EQ(files_of(world, "ahead").size(), 2u);  // a log that rolls keeps two
  EXPECT_EQ(files_of(world, "00000000000000000001.log").size(), 1u);
  EXPECT_TRUE(log.close().ok());
  EXPECT_TRUE(files_of(world, "ahead").empty());
}

TEST(Segments, that_wait_ready_are_bounded_and_idle_logs_give_theirs_back) {
  StorageMmapConfig config;
  config.prepared_bytes_max = 20'000;
  MmapFixture world(config);
  std::vector<LogDriver> logs;
  for (int i = 0; i < 6; ++i) {
    logs.push_back(world.open("p/a/" + std::to_string(i)));
    ASSERT_TRUE(logs.back().append(make_batch_of({0}, 3000)).ok());  // more than half
    world.run();
    ASSERT_LE(world.mmap().prepared_bytes(), 20'000u);
    if (i < 5) world.clock.advance(seconds(8));
  }
  EXPECT_EQ(world.mmap().prepared_bytes(), 4u * 4096);
  EXPECT_TRUE(files_of(world, "ahead", "p+a+0").empty());
  EXPECT_EQ(files_of(world, "ahead", "p+a+5").size(), 1u);
  logs.push_back(world.open("p/a/6"));
  ASSERT_TRUE(logs.back().append(make_batch_of({0}, 3000)).ok());
  world.run();
  EXPECT_TRUE(files_of(world, "ahead", "p+a+6").empty());  // the others prepared theirs a moment ago: they are not idle
  for (LogDriver& log : logs) {
    ASSERT_TRUE(log.append(make_batch_of({1}, 3000)).ok());  // who has none waits for one
    EXPECT_TRUE(log.close().ok());
  }
  EXPECT_EQ(world.mmap().prepared_bytes(), 0u);
}

TEST(Segments, whose_preparation_fails_do_not_fail_the_append_that_fits) {
  MmapFixture world;
  LogDriver log = world.open();
  world.disk.add_fault({DiskOp::kAllocate, "ahead-2", ION_E_NO_SPACE, 0, UINT64_MAX});
  ASSERT_TRUE(log.append(make_batch_of({0}, 3000)).ok());  // asks for one ahead
  world.run();
  EXPECT_TRUE(log.append(make_batch_of({1}, 1000)).ok());
  EXPECT_EQ(log.stat().next.v, 2);
  EXPECT_FALSE(log.stat().failed);
  EXPECT_TRUE(log.close().ok());
}

TEST(Segments, that_are_not_ready_make_the_append_wait_and_nothing_overtakes_it) {
  StorageMmapConfig config;
  config.prepare_ahead = 0;
  MmapFixture world(config);
  LogDriver log = world.open();
  ASSERT_TRUE(log.append(make_batch_of({0}, 4000)).ok());
  const TestBatch one = make_batch_of({1}, 4000), two = make_batch({2}, {"small"});
  const Asked waits([&](Op& op) { return log.log().append(op, {&one.raw, 1}); });
  const Asked behind([&](Op& op) { return log.log().append(op, {&two.raw, 1}); });
  const Asked sync_behind([&](Op& op) { return log.log().sync(op, {3}); });
  EXPECT_EQ(waits.code(), ION_PENDING);
  EXPECT_EQ(behind.code(), ION_PENDING);
  EXPECT_EQ(log.stat().next.v, 1);
  EXPECT_EQ(log.log().stat().durable.v, 0);
  world.run();
  EXPECT_EQ(waits.code(), ION_OK);
  EXPECT_EQ(behind.code(), ION_OK);
  EXPECT_EQ(sync_behind.code(), ION_OK);
  EXPECT_EQ(log.stat().durable.v, 3);
  EXPECT_TRUE(log.close().ok());
}

TEST(Segments, roll_by_age_when_the_log_asks_for_it) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20, .segment_age = seconds(60)});
  ASSERT_TRUE(log.add({"a"}).ok());
  world.clock.advance(seconds(59));
  ASSERT_TRUE(log.add({"b"}).ok());
  EXPECT_TRUE(log.log().ranges({0}, 9)->empty());
  world.clock.advance(seconds(1));
  ASSERT_TRUE(log.add({"c"}).ok());
  ASSERT_EQ(log.log().ranges({0}, 9)->size(), 1u);
  EXPECT_EQ(log.log().ranges({0}, 9)->at(0).next, 2);
  EXPECT_EQ(log.text(), "a,b,c");
  EXPECT_TRUE(log.close().ok());
}

TEST(Segments, are_indexed_when_sealed_and_the_files_are_closed) {
  MmapFixture world;
  LogDriver log = world.open();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
  world.run();
  EXPECT_EQ(files_of(world, ".index"), (std::vector<std::string>{"00000000000000000000.index", "00000000000000000004.index"}));
  EXPECT_EQ(world.disk.count(DiskOp::kClose, "000.log") + world.disk.count(DiskOp::kClose, "004.log") + world.disk.count(DiskOp::kClose, "ahead"), 2u);
  EXPECT_TRUE(log.close().ok());
  EXPECT_EQ(files_of(world, ".index").size(), 3u);
}

TEST(Segments, that_were_used_before_they_had_a_name_are_found_after_a_kill) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.append(make_batch_of({0}, 3000, 'a')).ok());
  world.run();
  const TestBatch next = make_batch_of({1}, 3000, 'b');
  ASSERT_EQ(Asked([&](Op& op) { return log.log().append(op, {&next.raw, 1}); }).code(), ION_OK);
  ASSERT_TRUE(files_of(world, "00000000000000000001.log").empty());  // the job that names it has not run
  world.kill(log);
  {  // one that was ready before, and was too small for its turn
    FakeFiles files(world.disk);
    auto unused = files.open("logs/p+a+0/ahead-0.log", ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE);
    ASSERT_TRUE(unused && (*unused)->allocate(0, 4096).ok() && (*unused)->close().ok());
  }
  LogDriver again = world.open();
  EXPECT_EQ(again.stat().next.v, 2);
  EXPECT_EQ(again.read({1}).text(), value_of_batch_of(3000, 'b'));
  EXPECT_EQ(files_of(world, "00000000000000000001.log").size(), 1u);
  EXPECT_TRUE(files_of(world, "ahead").empty());
  ASSERT_TRUE(again.add({"on"}).ok());
  EXPECT_TRUE(again.close().ok());
}

TEST(Segments, a_truncated_prefix_frees_files_at_once_and_maps_with_the_last_lease) {
  MmapFixture world;
  LogDriver log = world.open();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000, static_cast<uint8_t>('a' + i))).ok());
  ReadBack held = log.read({0}, {1});
  ASSERT_TRUE(log.truncate_prefix({9}).ok());
  EXPECT_EQ(files_of(world, "00000000000000000000").size(), 0u);
  EXPECT_EQ(files_of(world, "00000000000000000008.log").size(), 1u);
  EXPECT_EQ(held.text(), value_of_batch_of(1000, 'a'));
  ASSERT_TRUE(log.close().ok());
  LogDriver again = world.open();
  EXPECT_EQ(again.stat().first.v, 9);
  EXPECT_EQ(again.read({8}).status.code(), ION_E_OUT_OF_RANGE);
  EXPECT_TRUE(again.close().ok());
}

TEST(Segments, above_the_bound_are_closed_and_opened_again_when_they_are_read) {
  StorageMmapConfig config;
  config.open_segments_max = 3;
  MmapFixture world(config);
  LogDriver log = world.open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000, static_cast<uint8_t>('A' + i))).ok());
  world.run();
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 60; ++i) ASSERT_EQ(log.read({i}, {i + 1}).text(), value_of_batch_of(1000, static_cast<uint8_t>('A' + i)));
  ASSERT_TRUE(log.truncate_suffix({21}).ok());  // into a closed one
  EXPECT_EQ(log.stat().next.v, 21);
  EXPECT_EQ(log.read({20}).text(), value_of_batch_of(1000, static_cast<uint8_t>('A' + 20)));
  EXPECT_TRUE(log.close().ok());
}

TEST(Maps, keep_a_bounded_number_of_bytes_in_memory) {
  StorageMmapConfig config;
  config.mapped_bytes_max = 16 << 20;
  MmapFixture world(config);
  LogDriver log = world.open("p/a/0", {.segment_bytes = 8 << 20});
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1 << 20, static_cast<uint8_t>('A' + i % 26))).ok());
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 64; ++i) {
      ASSERT_EQ(log.read({i}, {i + 1}).bytes(), 1u << 20);
      ASSERT_LE(world.mmap().resident_bytes(), 16u << 20);
    }
  }
  EXPECT_GE(world.disk.count(DiskOp::kBringIn, ".log"), 2 * 64u / 4);  // each part came in again in the second round
  EXPECT_TRUE(log.close().ok());
}

TEST(Segments, of_another_process_are_checked_once_when_read) {
  MmapFixture origin;
  {
    LogDriver log = origin.open();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
    ASSERT_TRUE(log.close().ok());
  }
  MmapFixture world({}, origin.disk.clone());
  LogDriver log = world.open();
  const auto preads = [&] { return world.disk.count(DiskOp::kPread, "000.log"); };
  const uint64_t at_open = preads();
  EXPECT_TRUE(log.read({1}, {2}).status.ok());
  const uint64_t checked = preads();
  EXPECT_GT(checked, at_open);
  const Asked hot([&](Op& op) { return log.log().read(op, {1}, {2}, 100); });
  EXPECT_EQ(hot.code(), ION_OK);  // inline now
  EXPECT_EQ(preads(), checked);
  EXPECT_TRUE(log.close().ok());
}

TEST(Writeback, is_asked_for_each_time_so_many_bytes_were_appended) {
  StorageMmapConfig config;
  config.writeback_bytes = 10'000;
  MmapFixture world(config);
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (int i = 0; i < 35; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
  world.run();
  EXPECT_EQ(world.disk.count(DiskOp::kWriteback, ".log"), 3u);
  EXPECT_TRUE(log.close().ok());
}

TEST(Reads, are_slices_of_the_map_and_copy_nothing) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
  const ReadBack r = log.read({0});
  ASSERT_EQ(r.bufs.size(), 1u);
  EXPECT_EQ(r.bytes(), 50'000u);
  EXPECT_NE(r.bufs[0].raw().ops->flags & ION_BUF_MAPPED, 0u);
  const ReadBack same = log.read({0});
  EXPECT_EQ(r.bufs[0].data(), same.bufs[0].data());
  EXPECT_TRUE(log.close().ok());
}

TEST(Segments, are_zeroed_ahead_only_for_logs_that_are_flushed_often) {
  MmapFixture world;
  LogDriver never = world.open("p/never/0"), often = world.open("p/often/0");
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(never.append(make_batch_of({i}, 1000)).ok());
    ASSERT_TRUE(often.append(make_batch_of({i}, 1000)).ok() && often.sync().ok());
  }
  world.run();
  EXPECT_EQ(world.disk.count(DiskOp::kZero, "p+never+0/ahead"), 0u);
  EXPECT_GT(world.disk.count(DiskOp::kZero, "p+often+0/ahead"), 2u);
  EXPECT_TRUE(never.close().ok() && often.close().ok());
}

TEST(Segments, a_log_that_was_killed_is_opened_as_if_it_had_been_closed_and_the_next_start_does_not_read_it) {
  MmapFixture world;
  const OpenOptions options{.segment_bytes = 64 << 20};
  LogDriver log = world.open("p/a/0", options);
  ASSERT_TRUE(log.append(make_batch_of({0}, 40'000)).ok() && log.append(make_batch_of({1}, 90'000)).ok());
  world.run();
  const std::string last = "logs/p+a+0/00000000000000000001.log";
  for (int again = 0; again < 2; ++again) {
    world.kill(log);
    const uint64_t read_before = world.disk.count(DiskOp::kPread, last);
    log = world.open("p/a/0", options);
    EXPECT_EQ(world.disk.count(DiskOp::kPread, last) == read_before, again == 1);
    EXPECT_EQ(world.disk.bytes(last).size(), 90'000u);
    EXPECT_EQ(world.disk.open_files("logs/p+a+0/"), 0u);
    EXPECT_EQ(log.stat().durable.v, 2);
  }
  ASSERT_TRUE(log.append(make_batch_of({2}, 1'000)).ok() && log.sync().ok());
  world.kill(log);
  log = world.open("p/a/0", options);
  EXPECT_EQ(log.stat().next.v, 3);
  EXPECT_EQ(log.read({1}, {INT64_MAX}, 1).bytes(), 90'000u);
  EXPECT_EQ(log.read({2}, {INT64_MAX}, 1).bytes(), 1'000u);
  EXPECT_TRUE(log.close().ok());
}

TEST(Segments, a_start_after_a_kill_flushes_the_directory_of_all_logs_once_and_that_of_each_log_once) {
  constexpr uint64_t kLogs = 8;
  MmapFixture world;
  std::vector<std::unique_ptr<Log>> logs;
  for (uint64_t i = 0; i < kLogs; ++i) {
    LogDriver log = world.open("p/a/" + std::to_string(i));
    ASSERT_TRUE(log.meta_put("term", "1").ok() && log.add({"x"}).ok());
    logs.push_back(log.abandon());
  }
  world.die(std::move(logs), [&] { world.disk.kill(); });
  const uint64_t all = world.disk.count(DiskOp::kSyncDir, "logs"), own = world.disk.count(DiskOp::kSyncDir, "logs/p+a+");
  for (uint64_t i = 0; i < kLogs; ++i) {
    LogDriver log = world.open("p/a/" + std::to_string(i));
    logs.push_back(log.abandon());
  }
  const uint64_t own_now = world.disk.count(DiskOp::kSyncDir, "logs/p+a+") - own;
  EXPECT_EQ(own_now, kLogs);
  EXPECT_EQ(world.disk.count(DiskOp::kSyncDir, "logs") - all, own_now);  // logs/ itself was flushed when the instance started
  world.die(std::move(logs), [] {});
}

}  // namespace
}  // namespace ion::storage_mmap
