#include "cluster/opening_progress.h"

#include "support/fake_clock.h"
#include "support/recording_log.h"

#include <gtest/gtest.h>

namespace ion::cluster {
namespace {

using namespace ion::test;

class OpeningProgressTest : public ::testing::Test {
 protected:
  RecordingLog logger_;
  FakeClock clock_;
  OpeningProgress progress_{logger_, clock_};
};

TEST_F(OpeningProgressTest, says_once_a_second_how_many_partitions_and_bytes_are_there) {
  constexpr uint64_t kGib = uint64_t{1} << 30;
  progress_.begin({{"p/a/0", kGib}, {"p/a/1", 2 * kGib}, {"p/a/2", kGib}, {"p/a/3", kGib}});
  clock_.advance(milliseconds(900));
  progress_.tried("p/a/1");
  EXPECT_EQ(logger_.count("partitions"), 0u);
  clock_.advance(milliseconds(200));
  progress_.tried("p/a/0");
  EXPECT_EQ(logger_.count("partitions are being opened"), 1u);
  EXPECT_NE(logger_.text().find("partitions=2 of 4"), std::string::npos) << logger_.text();
  EXPECT_NE(logger_.text().find("gib=3.0 of 5.0"), std::string::npos) << logger_.text();
  clock_.advance(milliseconds(900));
  progress_.tried("p/a/2");
  EXPECT_EQ(logger_.count("partitions are being opened"), 1u);
  progress_.tried("p/a/3");
  EXPECT_EQ(logger_.count("partitions were opened"), 1u);
}

TEST_F(OpeningProgressTest, says_nothing_of_a_quick_start_nor_of_partitions_that_come_later) {
  progress_.begin({{"p/a/0", 1}});
  clock_.advance(milliseconds(900));
  progress_.tried("p/a/0");
  clock_.advance(seconds(5));
  progress_.tried("p/a/0");
  progress_.tried("p/new/0");
  EXPECT_EQ(logger_.text(), "");
}

}  // namespace
}  // namespace ion::cluster
