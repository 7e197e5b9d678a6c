#include "space_reserve.h"

#include "support/fake_files.h"
#include "support/hand_world.h"
#include "support/recording_log.h"

#include <gtest/gtest.h>

namespace ion {
namespace {

using namespace ion::test;

class SpaceReserveTest : public ::testing::Test {
 protected:
  uint64_t free_bytes() { return files_.space()->free_bytes; }
  int lend() {
    int lent = 0;
    reserve_.lend([&] { ++lent; });
    executor_.run_all();
    return lent;
  }
  FakeDisk disk_;
  FakeFiles files_{disk_};
  HandExecutor executor_;
  RecordingLog logger_;
  SpaceReserve reserve_{files_, executor_, logger_};
};

TEST_F(SpaceReserveTest, keeps_bytes_of_the_disk_once) {
  const uint64_t before = free_bytes();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(reserve_.keep().ok());
  EXPECT_EQ(before - free_bytes(), SpaceReserve::kBytes);
}

TEST_F(SpaceReserveTest, what_is_lent_is_free_until_it_was_put_back_and_is_kept_again) {
  ASSERT_TRUE(reserve_.keep().ok());
  const uint64_t before = free_bytes();
  EXPECT_EQ(lend(), 1);
  EXPECT_EQ(lend(), 1) << "two deletes at a time";
  EXPECT_EQ(free_bytes(), before + SpaceReserve::kBytes);
  EXPECT_EQ(reserve_.keep().code(), ION_E_NO_SPACE) << "it would take away what is lent";
  reserve_.put_back();
  EXPECT_EQ(reserve_.keep().code(), ION_E_NO_SPACE);
  EXPECT_EQ(free_bytes(), before + SpaceReserve::kBytes);
  reserve_.put_back();
  EXPECT_TRUE(reserve_.keep().ok());
  EXPECT_EQ(free_bytes(), before);
}

TEST_F(SpaceReserveTest, a_disk_that_has_not_got_the_bytes_says_so_and_nothing_of_them_is_taken) {
  disk_.set_total_bytes(SpaceReserve::kBytes - 1);
  EXPECT_EQ(reserve_.keep().code(), ION_E_NO_SPACE);
  EXPECT_EQ(free_bytes(), SpaceReserve::kBytes - 1);
  EXPECT_EQ(lend(), 1) << "who asks goes on, although there is nothing";
  reserve_.put_back();
  disk_.set_total_bytes(SpaceReserve::kBytes);
  EXPECT_TRUE(reserve_.keep().ok());
}

TEST_F(SpaceReserveTest, who_asks_while_no_work_is_taken_is_answered_all_the_same) {
  executor_.full = true;
  EXPECT_EQ(lend(), 1);
}

}  // namespace
}  // namespace ion
