// Compaction: other batches take the place of sealed pieces. Every provider, and what only storage-mmap can meet: restarts, a full disk,
// failures, reads that began before.
#include "contract/storage/storage_suite.h"

namespace ion::test {
namespace {

const OpenOptions kCompacting{.compaction = true, .segment_bytes = 1 << 20};

std::vector<TestBatch> batches_of(TestBatch a) {
  std::vector<TestBatch> all;
  all.push_back(std::move(a));
  return all;
}
std::vector<TestBatch> batches_of(TestBatch a, TestBatch b) {
  std::vector<TestBatch> all = batches_of(std::move(a));
  all.push_back(std::move(b));
  return all;
}
std::string pieces(LogDriver& log) {
  std::string all;
  const std::vector<ion_range> ranges = *log.log().ranges({0}, 100);
  for (const ion_range& r : ranges) all += "[" + std::to_string(r.base) + "," + std::to_string(r.next) + ")";
  return all;
}
// Four pieces of two records each, and one record in the active one: offsets 0 to 8, values a to i.
void fill(LogDriver& log) {
  for (int piece = 0; piece < 4; ++piece) {
    for (int i = 0; i < 2; ++i) {
      const int n = piece * 2 + i;
      ASSERT_TRUE(log.add({std::string(1, static_cast<char>('a' + n))}, {Epoch{0}, WallMs{100 * (n + 1)}}).ok());
    }
    ASSERT_TRUE(log.seal().ok());
  }
  ASSERT_TRUE(log.add({"i"}, {Epoch{0}, WallMs{900}}).ok());
}
TestBatch at(int64_t offset, const std::string& value) { return make_batch({offset}, {value}, {Epoch{0}, WallMs{100 * (offset + 1)}}); }

class ReplaceSuite : public StorageSuite {
 protected:
  void SetUp() override {
    if (!claims(ION_STORAGE_COMPACTION)) GTEST_SKIP() << "without COMPACTION";
  }
  LogDriver filled() {
    LogDriver log = open("p/a/0", kCompacting);
    fill(log);
    return log;
  }
  // Nothing for a storage that keeps nothing.
  void reopen(LogDriver& log) {
    ASSERT_TRUE(log.close().ok());
    if (!is_volatile()) world_->restart();
    log = open("p/a/0", kCompacting);
  }
};
ION_STORAGE_SUITE(ReplaceSuite);

TEST_P(ReplaceSuite, other_batches_take_the_place_of_neighbouring_pieces_and_become_one) {
  LogDriver log = filled();
  ASSERT_EQ(pieces(log), "[0,2)[2,4)[4,6)[6,8)");
  ASSERT_TRUE(log.replace({2}, {6}, batches_of(at(3, "D"), at(5, "F"))).ok());
  EXPECT_EQ(pieces(log), "[0,2)[2,6)[6,8)");
  EXPECT_EQ(log.text(), "a,b,D,F,g,h,i");
  EXPECT_EQ(log.stat().next.v, 9);
  reopen(log);
  EXPECT_EQ(pieces(log), "[0,2)[2,6)[6,8)");
  EXPECT_EQ(log.text(), "a,b,D,F,g,h,i");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, a_read_in_a_gap_goes_on_behind_it) {
  LogDriver log = filled();
  ASSERT_TRUE(log.replace({0}, {8}, batches_of(at(3, "D"), at(7, "H"))).ok());
  for (int again = 0; again < 2; ++again) {
    for (const auto& [from, base] : std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {2, 3}, {3, 3}, {4, 7}, {7, 7}, {8, 8}}) {
      const ReadBack read = log.read({from}, {INT64_MAX}, 1);
      EXPECT_EQ(read.base.v, base) << from;
    }
    reopen(log);
  }
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, a_batch_without_records_covers_what_went_and_times_are_found_behind_it) {
  LogDriver log = filled();
  ASSERT_TRUE(log.replace({0}, {6}, batches_of(at(1, "B"), make_batch_without_records({2}, 4, WallMs{600}))).ok());
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(log.text(), "B,g,h,i");
    const auto seek = [&](int64_t time) {
      const Outcome o = log.ask([&](Op& op) { return log.log().offset_for_time(op, {0}, {time}); }).take();
      return o.status.ok() ? static_cast<int64_t>(o.u0) : -1;
    };
    EXPECT_EQ(seek(150), 1);
    EXPECT_EQ(seek(300), 6);
    EXPECT_EQ(seek(901), -1);
    reopen(log);
  }
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, nothing_is_seen_before_the_commit_and_nothing_stays_of_what_was_aborted) {
  LogDriver log = filled();
  std::unique_ptr<Replacement> replacement = log.begin_replace({0}, {2});
  ASSERT_NE(replacement, nullptr);
  ASSERT_TRUE(log.append_to(*replacement, at(1, "B")).ok());
  EXPECT_EQ(log.text({0}), "a,b,c,d,e,f,g,h,i");
  ASSERT_TRUE(log.abort(*replacement).ok());
  replacement.reset();
  EXPECT_EQ(log.text({0}), "a,b,c,d,e,f,g,h,i");
  // One that is only destroyed is as if aborted: there is room for the next.
  replacement = log.begin_replace({0}, {2});
  replacement.reset();
  world_->run();
  EXPECT_TRUE(log.replace({0}, {2}, batches_of(at(1, "B"))).ok());
  EXPECT_EQ(log.text({0}), "B,c,d,e,f,g,h,i");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, one_at_a_time_and_of_whole_sealed_pieces_only) {
  LogDriver log = filled();
  Status answered;
  for (const auto& [base, next] : std::vector<std::pair<int64_t, int64_t>>{{0, 1}, {1, 2}, {0, 9}, {8, 9}, {2, 2}, {4, 2}, {-1, 2}, {0, 100}}) {
    EXPECT_EQ(log.begin_replace({base}, {next}, &answered), nullptr);
    EXPECT_EQ(answered.code(), ION_E_INVALID) << base << " to " << next << ": " << answered.text();
  }
  const std::unique_ptr<Replacement> open_one = log.begin_replace({0}, {2});
  ASSERT_NE(open_one, nullptr);
  EXPECT_EQ(log.begin_replace({4}, {6}, &answered), nullptr);
  EXPECT_EQ(answered.code(), ION_E_BUSY);
  ASSERT_TRUE(log.abort(*open_one).ok());
  ASSERT_TRUE(log.log().configure({.segment_bytes = 1 << 20}).ok());
  EXPECT_EQ(log.begin_replace({4}, {6}, &answered), nullptr);
  EXPECT_EQ(answered.code(), ION_E_UNSUPPORTED);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, batches_must_rise_inside_the_range_and_end_where_it_does) {
  LogDriver log = filled();
  std::unique_ptr<Replacement> replacement = log.begin_replace({2}, {6});
  ASSERT_NE(replacement, nullptr);
  EXPECT_EQ(log.commit(*replacement).code(), ION_E_INVALID);  // nothing covers the end
  EXPECT_EQ(log.append_to(*replacement, at(1, "B")).code(), ION_E_INVALID);
  EXPECT_EQ(log.append_to(*replacement, at(6, "G")).code(), ION_E_INVALID);
  ASSERT_TRUE(log.append_to(*replacement, at(3, "D")).ok());
  EXPECT_EQ(log.append_to(*replacement, batches_of(at(4, "E"), at(4, "E"))).code(), ION_E_INVALID);  // none of the two
  EXPECT_EQ(log.commit(*replacement).code(), ION_E_INVALID);
  EXPECT_EQ(log.text({2}), "c,d,e,f,g,h,i");
  ASSERT_TRUE(log.append_to(*replacement, at(4, "E")).ok());
  ASSERT_TRUE(log.append_to(*replacement, at(5, "F")).ok());
  ASSERT_TRUE(log.commit(*replacement).ok());
  EXPECT_EQ(log.text({2}), "D,E,F,g,h,i");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, the_batch_that_reaches_over_the_first_offset_may_stay) {
  LogDriver log = open("p/a/0", kCompacting);
  ASSERT_TRUE(log.add({"a", "b", "c"}).ok());
  ASSERT_TRUE(log.add({"d"}).ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(log.truncate_prefix({1}).ok());
  ASSERT_EQ(pieces(log), "[1,4)");
  ASSERT_TRUE(log.replace({1}, {4}, batches_of(make_batch({0}, {"a", "b", "c"}), make_batch({3}, {"D"}))).ok());
  EXPECT_EQ(log.stat().first.v, 1);
  EXPECT_EQ(log.text({1}), "a,b,c,D");
  reopen(log);
  EXPECT_EQ(log.stat().first.v, 1);
  EXPECT_EQ(log.text({1}), "a,b,c,D");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, what_was_truncated_meanwhile_is_not_replaced) {
  const std::vector<std::function<Status(LogDriver&)>> cuts{
      [](LogDriver& log) { return log.truncate_suffix({5}); }, [](LogDriver& log) { return log.truncate_suffix({1}); },
      [](LogDriver& log) { return log.truncate_prefix({3}); }, [](LogDriver& log) { return log.truncate_prefix({6}); },
      [](LogDriver& log) { return log.truncate_prefix({20}); }};
  for (size_t i = 0; i < cuts.size(); ++i) {
    LogDriver log = open("p/cut/" + std::to_string(i), kCompacting);
    fill(log);
    const std::unique_ptr<Replacement> replacement = log.begin_replace({2}, {6});
    ASSERT_TRUE(log.append_to(*replacement, at(5, "F")).ok());
    ASSERT_TRUE(cuts[i](log).ok());
    const LogStat after = log.stat();
    EXPECT_EQ(log.commit(*replacement).code(), ION_E_CONFLICT) << i;
    ASSERT_TRUE(log.abort(*replacement).ok());
    EXPECT_EQ(log.stat().first, after.first);
    EXPECT_EQ(log.stat().next, after.next);
    EXPECT_TRUE(log.add({"goes on"}).ok());
    EXPECT_TRUE(log.close().ok());
  }
}

TEST_P(ReplaceSuite, a_truncation_elsewhere_and_appends_do_not_hinder_it) {
  LogDriver log = filled();
  const std::unique_ptr<Replacement> replacement = log.begin_replace({2}, {6});
  ASSERT_TRUE(log.append_to(*replacement, at(5, "F")).ok());
  ASSERT_TRUE(log.truncate_prefix({2}).ok());
  ASSERT_TRUE(log.truncate_suffix({7}).ok());
  ASSERT_TRUE(log.add({"new"}).ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(log.commit(*replacement).ok());
  EXPECT_EQ(log.text({2}), "F,g,new");
  reopen(log);
  EXPECT_EQ(log.text({2}), "F,g,new");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, a_replaced_piece_can_be_truncated_and_replaced_again) {
  LogDriver log = filled();
  ASSERT_TRUE(log.replace({0}, {8}, batches_of(at(3, "D"), at(7, "H"))).ok());
  ASSERT_TRUE(log.truncate_suffix({6}).ok());
  EXPECT_EQ(log.stat().next.v, 4);
  EXPECT_EQ(log.text(), "D");
  ASSERT_TRUE(log.append(at(9, "J")).ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(log.replace({0}, {10}, batches_of(at(9, "J"))).ok());
  EXPECT_EQ(log.text(), "J");
  ASSERT_TRUE(log.truncate_prefix({5}).ok());
  EXPECT_EQ(log.text({5}), "J");
  reopen(log);
  EXPECT_EQ(log.stat().first.v, 5);
  EXPECT_EQ(log.text({5}), "J");
  ASSERT_TRUE(log.truncate_suffix({5}).ok());
  EXPECT_EQ(log.stat().next.v, 5);
  EXPECT_TRUE(log.add({"again"}).ok());
  EXPECT_EQ(log.text({5}), "again");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, slices_that_were_read_before_stay_as_they_are) {
  LogDriver log = filled();
  const ReadBack before = log.read({0}, {2});
  ASSERT_TRUE(log.replace({0}, {4}, batches_of(at(3, "D"))).ok());
  EXPECT_EQ(before.text(), "a,b");
  EXPECT_EQ(log.text(), "D,e,f,g,h,i");
  EXPECT_TRUE(log.close().ok());
  EXPECT_EQ(before.text(), "a,b");
}

TEST_P(ReplaceSuite, the_new_piece_is_as_young_as_the_youngest_of_the_old_ones) {
  LogDriver log = open("p/a/0", kCompacting);
  const int64_t begin = world_->time().wall().ms;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(log.append(at(i, "x")).ok());
    ASSERT_TRUE(log.seal().ok());
    world_->time().advance(seconds(10));
  }
  ASSERT_TRUE(log.replace({0}, {2}, batches_of(at(1, "x"))).ok());
  for (int again = 0; again < 2; ++again) {
    const std::vector<ion_range> ranges = *log.log().ranges({0}, 10);
    ASSERT_EQ(ranges.size(), 2u);
    EXPECT_EQ(ranges[0].appended_ms, begin + 10'000);
    EXPECT_EQ(ranges[0].time_max_ms, 200);
    reopen(log);
    if (is_volatile()) break;
  }
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, close_aborts_what_is_open) {
  LogDriver log = filled();
  const std::unique_ptr<Replacement> replacement = log.begin_replace({0}, {4});
  ASSERT_TRUE(log.append_to(*replacement, at(3, "D")).ok());
  ASSERT_TRUE(log.close().ok());
  EXPECT_EQ(log.append_to(*replacement, at(3, "D")).code(), ION_E_CLOSED);
  EXPECT_EQ(log.commit(*replacement).code(), ION_E_CLOSED);
  EXPECT_TRUE(log.abort(*replacement).ok());
  log = open("p/a/0", kCompacting);
  EXPECT_EQ(log.text(), "a,b,c,d,e,f,g,h,i");
  EXPECT_TRUE(log.replace({0}, {2}, batches_of(at(1, "B"))).ok());
  EXPECT_TRUE(log.close().ok());
}

TEST_P(ReplaceSuite, offsets_far_above_two_to_the_forty_are_stored_found_and_replaced) {
  constexpr int64_t kFar = (int64_t{1} << 52) + 12'345;
  LogDriver log = open("p/a/0", kCompacting);
  ASSERT_TRUE(log.truncate_prefix({kFar}).ok());
  for (int64_t i = 0; i < 4; ++i) ASSERT_TRUE(log.append(make_batch({kFar + i}, {std::to_string(i)}, {Epoch{0}, WallMs{100 * (i + 1)}})).ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(log.append(make_batch({kFar + (int64_t{1} << 41)}, {"farther"}, {Epoch{0}, WallMs{900}})).ok());
  std::vector<TestBatch> kept = batches_of(make_batch({kFar + 1}, {"1"}, {Epoch{0}, WallMs{200}}), make_batch({kFar + 3}, {"3"}, {Epoch{0}, WallMs{400}}));
  ASSERT_TRUE(log.replace({kFar}, {kFar + 4}, kept).ok());
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(log.stat().first.v, kFar);
    EXPECT_EQ(log.stat().next.v, kFar + (int64_t{1} << 41) + 1);
    EXPECT_EQ(log.text({kFar}), "1,3,farther");
    const Outcome found = log.ask([&](Op& op) { return log.log().offset_for_time(op, {kFar}, {300}); }).take();
    EXPECT_EQ(static_cast<int64_t>(found.u0), kFar + 3);
    if (is_volatile()) break;
    reopen(log);
  }
  EXPECT_TRUE(log.close().ok());
}

// ---- storage-mmap

class ReplaceInMmap : public ::testing::Test {
 protected:
  LogDriver filled() {
    LogDriver log = world.open("p/a/0", kCompacting);
    fill(log);
    EXPECT_TRUE(log.sync().ok());
    return log;
  }
  std::vector<std::string> files_of(std::string_view suffix) {
    std::vector<std::string> found;
    for (const std::string& name : world.disk.names_in("logs/p+a+0"))
      if (name.ends_with(suffix) && !name.starts_with("ahead-")) found.push_back(name);
    return found;
  }
  MmapFixture world;
};

TEST_F(ReplaceInMmap, the_files_of_what_was_replaced_go_and_nothing_temporary_stays) {
  LogDriver log = filled();
  ASSERT_EQ(files_of(".log").size(), 5u);
  ASSERT_TRUE(log.replace({0}, {8}, batches_of(at(7, "H"))).ok());
  EXPECT_EQ(files_of(".log").size(), 2u);
  EXPECT_EQ(files_of(".index").size(), 1u);
  EXPECT_TRUE(files_of(".commit").empty());
  const std::unique_ptr<Replacement> replacement = log.begin_replace({0}, {8});
  ASSERT_TRUE(log.append_to(*replacement, at(7, "H")).ok());
  EXPECT_TRUE(world.disk.exists("logs/p+a+0/replacement.log"));
  ASSERT_TRUE(log.abort(*replacement).ok());
  EXPECT_FALSE(world.disk.exists("logs/p+a+0/replacement.log"));
  EXPECT_TRUE(log.close().ok());
}

TEST_F(ReplaceInMmap, what_a_killed_process_left_of_a_replacement_is_removed_when_the_log_is_opened) {
  LogDriver log = filled();
  {
    const std::unique_ptr<Replacement> replacement = log.begin_replace({0}, {8});
    ASSERT_TRUE(log.append_to(*replacement, at(7, "H")).ok());
    world.disk.go_down();
  }
  world.kill(log);
  ASSERT_TRUE(world.disk.exists("logs/p+a+0/replacement.log"));
  log = world.open("p/a/0", kCompacting);
  EXPECT_FALSE(world.disk.exists("logs/p+a+0/replacement.log"));
  EXPECT_EQ(log.text(), "a,b,c,d,e,f,g,h,i");
  EXPECT_TRUE(log.close().ok());
}

TEST_F(ReplaceInMmap, a_disk_that_is_full_leaves_the_old_pieces_in_place) {
  LogDriver log = filled();
  std::unique_ptr<Replacement> replacement = log.begin_replace({0}, {8});
  world.disk.set_total_bytes(world.disk.used_bytes() + 1);
  EXPECT_EQ(log.append_to(*replacement, at(7, "H")).code(), ION_E_NO_SPACE);
  world.disk.set_total_bytes(uint64_t{1} << 40);
  EXPECT_TRUE(log.append_to(*replacement, at(7, "H")).ok());
  for (const DiskOp op : {DiskOp::kAllocate, DiskOp::kPwrite, DiskOp::kRename})
    world.disk.add_fault({op, "replacement.index", ION_E_NO_SPACE});
  while (!log.commit(*replacement).ok()) EXPECT_EQ(log.text(), "a,b,c,d,e,f,g,h,i");
  EXPECT_EQ(log.text(), "H,i");
  EXPECT_TRUE(log.close().ok());
}

TEST_F(ReplaceInMmap, a_commit_that_could_not_be_finished_is_finished_when_the_log_is_opened) {
  LogDriver log = filled();
  world.disk.add_fault({DiskOp::kRemove, "00000000000000000004.log", ION_E_IO});
  EXPECT_EQ(log.replace({0}, {8}, batches_of(at(5, "F"), at(7, "H"))).code(), ION_E_FAILED);
  EXPECT_EQ(log.add({"j"}).code(), ION_E_FAILED);
  EXPECT_TRUE(log.close().ok());
  log = world.open("p/a/0", kCompacting);
  EXPECT_EQ(log.text(), "F,H,i");
  EXPECT_EQ(files_of(".log").size(), 2u);
  EXPECT_TRUE(log.close().ok());
}

TEST_F(ReplaceInMmap, a_commit_file_that_does_not_prove_itself_replaces_nothing) {
  LogDriver log = filled();
  world.disk.add_fault({DiskOp::kRename, "replacement.log", ION_E_IO});
  EXPECT_EQ(log.replace({0}, {8}, batches_of(at(7, "H"))).code(), ION_E_FAILED);
  EXPECT_TRUE(log.close().ok());
  world.disk.flip("logs/p+a+0/00000000000000000000.commit", 45, 1);
  log = world.open("p/a/0", kCompacting);
  EXPECT_EQ(log.text(), "a,b,c,d,e,f,g,h,i");
  EXPECT_TRUE(log.close().ok());
}

TEST_F(ReplaceInMmap, an_index_that_is_lost_afterwards_is_built_again_with_its_gaps) {
  LogDriver log = filled();
  ASSERT_TRUE(log.replace({0}, {8}, batches_of(at(3, "D"), make_batch_without_records({6}, 2, WallMs{1}))).ok());
  ASSERT_TRUE(log.close().ok());
  world.disk.take_away("logs/p+a+0/00000000000000000000.index");
  world.restart();
  log = world.open("p/a/0", kCompacting);
  EXPECT_FALSE(log.stat().damaged);
  EXPECT_EQ(pieces(log), "[0,8)");
  EXPECT_EQ(log.text(), "D,i");
  EXPECT_TRUE(log.close().ok());
}

TEST_F(ReplaceInMmap, a_damaged_log_whose_damaged_piece_is_replaced_is_whole_and_written_on) {
  LogDriver log = filled();
  ASSERT_TRUE(log.close().ok());
  world.disk.flip("logs/p+a+0/00000000000000000002.log", 70, 1);
  world.restart();
  log = world.open("p/a/0", kCompacting);
  EXPECT_EQ(log.read({2}).status.code(), ION_E_CORRUPT);
  ASSERT_TRUE(log.replace({0}, {2}, batches_of(at(1, "B"))).ok());
  EXPECT_TRUE(log.stat().damaged) << "another piece is";
  EXPECT_EQ(log.add({"j"}).code(), ION_E_CORRUPT);
  ASSERT_TRUE(log.replace({2}, {4}, batches_of(at(3, "D"))).ok());
  EXPECT_FALSE(log.stat().damaged);
  EXPECT_EQ(log.text(), "B,D,e,f,g,h,i");
  ASSERT_TRUE(log.add({"j"}).ok());
  ASSERT_TRUE(log.close().ok());
  log = world.open("p/a/0", kCompacting);
  EXPECT_EQ(log.text(), "B,D,e,f,g,h,i,j");
  EXPECT_TRUE(log.close().ok());
}

// A reader found its segment in the list, and the segment was replaced before the file was opened.
TEST_F(ReplaceInMmap, a_read_that_waits_for_the_pool_while_its_segment_is_replaced_answers_from_the_new_one) {
  LogDriver log = filled();
  ASSERT_TRUE(log.close().ok());
  world.restart();
  log = world.open("p/a/0", kCompacting);  // nothing of it is in memory: the read goes to the pool
  std::unique_ptr<Replacement> replacement = log.begin_replace({0}, {8});
  ASSERT_TRUE(log.append_to(*replacement, at(7, "H")).ok());
  const Asked read([&](Op& op) { return log.log().read(op, {2}, {INT64_MAX}, 1000); });
  const Asked committed([&](Op& op) { return replacement->commit(op); });
  SeededRandom order(3);
  world.executor.draw_order_from(&order);
  world.run();
  world.executor.draw_order_from(nullptr);
  ASSERT_EQ(committed.code(), ION_OK);
  ASSERT_EQ(read.code(), ION_OK) << read.status().text();
  EXPECT_FALSE(log.stat().damaged);
  EXPECT_EQ(log.text(), "H,i");
  EXPECT_TRUE(log.close().ok());
}

}  // namespace
}  // namespace ion::test
