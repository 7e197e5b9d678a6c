// One flush for all that wait, all logs in one round, the next round at once while somebody waits.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

uint64_t flushes(MmapFixture& world, std::string_view part = ".log") { return world.disk.count(DiskOp::kSyncData, part); }

TEST(GroupCommit, joins_all_syncs_that_wait_into_one_flush) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.add({"the first makes the segment"}).ok() && log.sync().ok());
  world.run();
  const uint64_t before = flushes(world), rounds = world.mmap().sync_rounds();
  std::vector<Asked> syncs;
  for (int64_t i = 1; i < 64; ++i) {
    ASSERT_TRUE(log.log().stat().next.v == i);
    const TestBatch b = make_batch({i}, {"x"});
    const Asked appended([&](Op& op) { return log.log().append(op, {&b.raw, 1}); });
    ASSERT_EQ(appended.code(), ION_OK);  // at once
    syncs.push_back(Asked([&](Op& op) { return log.log().sync(op, {i + 1}); }));
  }
  for (const Asked& s : syncs) EXPECT_EQ(s.code(), ION_PENDING);
  world.run();
  for (const Asked& s : syncs) {
    EXPECT_EQ(s.code(), ION_OK);
    EXPECT_EQ(s.outcome().u0, 64u);
  }
  EXPECT_EQ(flushes(world) - before, 1u);
  EXPECT_EQ(world.mmap().sync_rounds() - rounds, 1u);
  EXPECT_TRUE(log.close().ok());
}

TEST(GroupCommit, takes_all_logs_in_one_round_and_answers_who_came_meanwhile_in_the_next) {
  MmapFixture world;
  std::vector<LogDriver> logs;
  for (int i = 0; i < 8; ++i) logs.push_back(world.open("p/t/" + std::to_string(i)));
  world.run();
  std::vector<Asked> first, second;
  for (LogDriver& log : logs) ASSERT_TRUE(log.add({"x"}).ok());
  for (LogDriver& log : logs) first.push_back(Asked([&](Op& op) { return log.log().sync(op, {1}); }));
  // While the first round answers, the first log gets another batch and another sync.
  bool again = false;
  call([&](Op& op) { return logs[7].log().sync(op, {1}); },
       [&](const ion_result&) {
         const TestBatch b = make_batch({1}, {"meanwhile"});
         ASSERT_EQ(Asked([&](Op& op) { return logs[0].log().append(op, {&b.raw, 1}); }).code(), ION_OK);
         second.push_back(Asked([&](Op& op) { return logs[0].log().sync(op, {2}); }));
         again = true;
       });
  world.run();
  EXPECT_TRUE(again);
  for (const Asked& s : first) EXPECT_EQ(s.code(), ION_OK);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].code(), ION_OK);
  EXPECT_EQ(world.mmap().sync_rounds(), 2u);
  for (LogDriver& log : logs) EXPECT_TRUE(log.close().ok());
}

TEST(GroupCommit, runs_no_callback_between_two_flushes) {
  MmapFixture world;
  std::vector<LogDriver> logs;
  for (int i = 0; i < 8; ++i) logs.push_back(world.open("p/t/" + std::to_string(i)));
  world.run();
  for (LogDriver& log : logs) ASSERT_TRUE(log.add({"x"}).ok());
  const uint64_t before = flushes(world);
  std::vector<uint64_t> flushes_when_told;
  for (LogDriver& log : logs)
    call([&](Op& op) { return log.log().sync(op, {1}); }, [&](const ion_result&) { flushes_when_told.push_back(flushes(world) - before); });
  world.run();
  EXPECT_EQ(flushes_when_told, std::vector<uint64_t>(8, 8));
  for (LogDriver& log : logs) EXPECT_TRUE(log.close().ok());
}

TEST(GroupCommit, answers_at_once_when_nobody_else_waits_and_flushes_for_who_comes_while_it_answers) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20}), other = world.open("p/b/0", {.segment_bytes = 1 << 20});
  world.run();
  ASSERT_TRUE(log.add({"x"}).ok() && other.add({"y"}).ok());
  world.run();
  bool answered = false;
  std::optional<Asked> second;
  call([&](Op& op) { return log.log().sync(op, {1}); },
       [&](const ion_result&) {
         answered = true;
         second.emplace([&](Op& op) { return other.log().sync(op, {1}); });
       });
  ASSERT_EQ(world.executor.waiting(), 1u);  // the job of the round
  ASSERT_TRUE(world.executor.run_one());
  EXPECT_TRUE(answered);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->code(), ION_PENDING);
  ASSERT_EQ(world.executor.waiting(), 1u);  // a round of its own, which another thread may begin at once
  ASSERT_TRUE(world.executor.run_one());
  EXPECT_EQ(second->code(), ION_OK);
  EXPECT_TRUE(log.close().ok() && other.close().ok());
}

TEST(GroupCommit, answers_in_its_own_job_when_the_pool_takes_no_more) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  world.run();
  ASSERT_TRUE(log.add({"x"}).ok());
  const Asked synced([&](Op& op) { return log.log().sync(op, {1}); });
  world.executor.set_limit(0);
  world.run();
  EXPECT_EQ(synced.code(), ION_OK);
  world.executor.set_limit(SIZE_MAX);
  EXPECT_TRUE(log.close().ok());
}

TEST(GroupCommit, does_not_flush_again_what_is_durable) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"x"}).ok() && log.sync().ok());
  const uint64_t before = flushes(world, "");
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(log.sync().ok());
  EXPECT_EQ(flushes(world, ""), before);
  EXPECT_TRUE(log.close().ok());
}

TEST(GroupCommit, costs_one_flush_of_the_segment_and_the_mark_follows_when_nobody_waits) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"x"}).ok());
  const uint64_t segments = flushes(world), marks = flushes(world, "marks");
  Asked synced([&](Op& op) { return log.log().sync(op, {1}); });
  world.run();
  EXPECT_EQ(synced.code(), ION_OK);
  EXPECT_EQ(flushes(world) - segments, 1u);
  EXPECT_EQ(flushes(world, "marks") - marks, 1u);
  EXPECT_TRUE(log.close().ok());
}

TEST(ExactMark, is_on_the_disk_before_the_answer) {
  MmapFixture world;
  LogDriver log = world.open("raft/g", {.exact_mark = true});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(log.add({"entry"}).ok());
    const uint64_t marks = flushes(world, "marks");
    uint64_t marks_when_answered = 0;
    call([&](Op& op) { return log.log().sync(op, {i + 1}); }, [&](const ion_result&) { marks_when_answered = flushes(world, "marks"); });
    world.run();
    EXPECT_EQ(marks_when_answered - marks, 1u);
  }
  // Power goes: the mark names exactly what was answered, so a flipped bit in the last entry is damage and no torn tail.
  SeededRandom random(1);
  std::vector<std::unique_ptr<Log>> logs;
  logs.push_back(log.abandon());
  world.die(std::move(logs), [&] {
    world.disk.lose_power(random);
    world.disk.flip("logs/raft+g/00000000000000000000.log", 5 * make_batch({0}, {"entry"}).bytes.size() - 1, 0);
  });
  LogDriver again = world.open("raft/g", {.exact_mark = true});
  EXPECT_TRUE(again.stat().damaged);
  EXPECT_EQ(again.stat().bad_from.v, 4);
  EXPECT_TRUE(again.close().ok());
}

TEST(LowerBoundMark, is_at_most_one_commit_behind) {
  MmapFixture world;
  LogDriver log = world.open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(log.add({"entry"}).ok());
    ASSERT_TRUE(log.sync().ok());
  }
  SeededRandom random(2);
  std::vector<std::unique_ptr<Log>> logs;
  logs.push_back(log.abandon());
  world.die(std::move(logs), [&] {
    world.disk.lose_power(random);
    world.disk.flip("logs/p+a+0/00000000000000000000.log", 19 * make_batch({0}, {"entry"}).bytes.size() - 1, 0);
  });
  LogDriver again = world.open();
  EXPECT_TRUE(again.stat().damaged);  // the last but one is below the mark
  EXPECT_EQ(again.stat().bad_from.v, 18);
  EXPECT_TRUE(again.close().ok());
}

}  // namespace
}  // namespace ion::storage_mmap
