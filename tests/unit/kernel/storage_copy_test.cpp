#include "storage_copy.h"

#include "io/memory_storage.h"
#include "support/fake_clock.h"
#include "support/log_driver.h"

#include <gtest/gtest.h>

namespace ion {
namespace {

using namespace ion::test;

class StorageCopyTest : public ::testing::Test {
 protected:
  LogDriver open(Storage& storage, const std::string& name) { return *StorageDriver(storage, [](const Asked&) {}).open(name, {}); }
  StorageCopy copy(Storage& from, Storage& to) {
    return {from, to, [](const std::function<Answer(Op&)>& start) { return Asked(start).take(); },
            [this](const CopyProgress& p) { told_.push_back(p); }, [this](const CopyProgress& p) { compared_.push_back(p); }};
  }
  FakeClock clock_;
  storage_memory::MemoryStorage a_{clock_, {}, Uuid::random(1, 2)}, b_{clock_, {}, Uuid::random(3, 4)};
  std::vector<CopyProgress> told_, compared_;
};

TEST_F(StorageCopyTest, takes_all_logs_with_their_offsets_and_items_and_compares_them) {
  {
    LogDriver log = open(a_, "p/a/0");
    ASSERT_TRUE(log.add({"a", "b"}).ok() && log.add({"c"}).ok());
    LogDriver term = open(a_, "raft/metadata");
    ASSERT_TRUE(term.add({"entry"}).ok() && term.meta_put("term", "7").ok());
    ASSERT_TRUE(log.close().ok() && term.close().ok());
  }
  const auto done = copy(a_, b_).run();
  ASSERT_TRUE(done.has_value()) << done.error().text();
  EXPECT_EQ(done->logs, 2u);
  EXPECT_EQ(done->batches, 3u);
  LogDriver log = open(b_, "p/a/0"), term = open(b_, "raft/metadata");
  EXPECT_EQ(log.text(), "a,b,c");
  EXPECT_EQ(log.read({2}).base.v, 2);
  EXPECT_EQ(term.meta_get("term"), "7");
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(told_[0].log, "p/a/0");
  EXPECT_EQ(told_[1].logs_in_all, 2u);
  EXPECT_EQ(compared_.back().bytes, done->bytes);
  EXPECT_TRUE(log.close().ok() && term.close().ok());
}

TEST_F(StorageCopyTest, keeps_where_a_log_begins_also_inside_of_a_batch_and_its_gaps) {
  {
    LogDriver log = open(a_, "p/a/0");
    ASSERT_TRUE(log.add({"a", "b", "c"}).ok() && log.append(make_batch({1000}, {"far"})).ok() && log.append(make_batch({int64_t{1} << 41}, {"further", "still"})).ok());
    ASSERT_TRUE(log.truncate_prefix({1}).ok() && log.close().ok());
  }
  const auto done = copy(a_, b_).run();
  ASSERT_TRUE(done.has_value()) << done.error().text();
  LogDriver log = open(b_, "p/a/0");
  EXPECT_EQ(log.stat().first.v, 1);
  EXPECT_EQ(log.stat().next.v, (int64_t{1} << 41) + 2);
  EXPECT_EQ(log.text({1}), "a,b,c,far,further,still");
  EXPECT_EQ(log.read({0}).status.code(), ION_E_OUT_OF_RANGE);
  EXPECT_TRUE(log.close().ok());
}

TEST_F(StorageCopyTest, lets_a_log_that_is_empty_go_on_at_its_offset) {
  {
    LogDriver never = open(a_, "p/never/0"), emptied = open(a_, "p/emptied/0");
    ASSERT_TRUE(emptied.add({"a", "b"}).ok() && emptied.truncate_prefix({2}).ok());
    ASSERT_TRUE(never.close().ok() && emptied.close().ok());
  }
  const auto done = copy(a_, b_).run();
  ASSERT_TRUE(done.has_value()) << done.error().text();
  LogDriver never = open(b_, "p/never/0"), emptied = open(b_, "p/emptied/0");
  EXPECT_EQ(never.stat().next.v, 0);
  EXPECT_EQ(emptied.stat().first.v, 2);
  EXPECT_EQ(emptied.stat().next.v, 2);
  EXPECT_TRUE(never.close().ok() && emptied.close().ok());
}

TEST_F(StorageCopyTest, keeps_a_gap_in_front_of_the_first_batch) {
  {
    LogDriver log = open(a_, "p/a/0"), cut = open(a_, "p/cut/0");
    ASSERT_TRUE(log.append(make_batch({7}, {"seven"})).ok());
    ASSERT_TRUE(cut.add({"a"}).ok() && cut.append(make_batch({9}, {"nine"})).ok() && cut.truncate_prefix({3}).ok());
    ASSERT_TRUE(log.close().ok() && cut.close().ok());
  }
  const auto done = copy(a_, b_).run();
  ASSERT_TRUE(done.has_value()) << done.error().text();
  LogDriver log = open(b_, "p/a/0"), cut = open(b_, "p/cut/0");
  EXPECT_EQ(log.stat().first.v, 0);
  EXPECT_EQ(cut.stat().first.v, 3);
  EXPECT_EQ(cut.read({3}).base.v, 9);
  EXPECT_TRUE(log.close().ok() && cut.close().ok());
}

TEST_F(StorageCopyTest, keeps_batches_without_records) {
  {
    LogDriver log = open(a_, "p/a/0");
    ASSERT_TRUE(log.append(make_batch_without_records({0}, 5, WallMs{1})).ok() && log.add({"x"}).ok() && log.close().ok());
  }
  const auto done = copy(a_, b_).run();
  ASSERT_TRUE(done.has_value()) << done.error().text();
  EXPECT_EQ(done->batches, 2u);
  LogDriver log = open(b_, "p/a/0");
  EXPECT_EQ(log.read({5}).text(), "x");
  EXPECT_TRUE(log.close().ok());
}

TEST_F(StorageCopyTest, refuses_a_storage_with_logs_and_changes_nothing_there) {
  { LogDriver mine = open(b_, "p/mine/0"); ASSERT_TRUE(mine.add({"kept"}).ok() && mine.close().ok()); }
  const auto done = copy(a_, b_).run();
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ION_E_CONFLICT);
  EXPECT_NE(done.error().message().find("p/mine/0"), std::string::npos) << done.error().message();
  LogDriver mine = open(b_, "p/mine/0");
  EXPECT_EQ(mine.text(), "kept");
  EXPECT_TRUE(mine.close().ok());
}

TEST_F(StorageCopyTest, finds_a_copy_that_is_not_what_was_copied_and_names_the_log) {
  { LogDriver log = open(a_, "p/a/0"); ASSERT_TRUE(log.add({"a"}).ok() && log.close().ok()); }
  for (const bool gone : {false, true}) {
    storage_memory::MemoryStorage target(clock_, {}, Uuid::random(5, 6));
    StorageCopy wrong = copy(a_, target);
    wrong.copied = [&](const CopyProgress&) {
      if (gone) {
        EXPECT_TRUE(StorageDriver(target, [](const Asked&) {}).remove("p/a/0").ok());
      } else {
        LogDriver log = open(target, "p/a/0");
        EXPECT_TRUE(log.add({"nobody copied this"}).ok() && log.close().ok());
      }
    };
    const auto done = wrong.run();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code(), gone ? ION_E_NOT_FOUND : ION_E_CORRUPT);
    EXPECT_NE(done.error().message().find("log p/a/0: "), std::string::npos) << done.error().message();
  }
}

TEST_F(StorageCopyTest, clears_what_an_unfinished_copy_left) {
  { LogDriver log = open(b_, "p/a/0"); ASSERT_TRUE(log.add({"a"}).ok() && log.close().ok()); }
  StorageCopy again = copy(a_, b_);
  ASSERT_TRUE(again.clear().ok());
  EXPECT_TRUE(again.run().has_value());
}

}  // namespace
}  // namespace ion
