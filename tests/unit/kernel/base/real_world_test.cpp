#include "base/real_world.h"

#include "unit/kernel/base/support.h"

namespace ion::base {
namespace {

using test::must;

RealWorldOptions quiet() {
  RealWorldOptions options;
  options.log.output = [](std::string_view) {};
  options.shards = 2;
  return options;
}

TEST(RealWorldTest, control_work_has_a_shard_that_is_not_counted) {
  const auto world = must(RealWorld::start(quiet()));
  EXPECT_EQ(world->executor().shards(), 2U);
  EXPECT_EQ(world->control_shard(), ShardId{2});
  std::mutex mutex;
  std::condition_variable moved;
  bool ran = false;
  ASSERT_TRUE(post(world->executor(), world->control_shard(), [&] {
                const std::lock_guard lock(mutex);
                ran = true;
                moved.notify_all();
              }).ok());
  std::unique_lock lock(mutex);
  EXPECT_TRUE(world->await(lock, moved, seconds(60), [&] { return ran; }));
}

TEST(RealWorldTest, several_live_in_one_process) {
  const auto one = must(RealWorld::start(quiet())), two = must(RealWorld::start(quiet()));
  EXPECT_TRUE(one->stop_work(seconds(60)).ok());
  EXPECT_EQ(post(one->executor(), {0}, [] {}).code(), ION_E_CLOSED);
  EXPECT_TRUE(post(two->executor(), {0}, [] {}).ok());
  EXPECT_TRUE(two->stop_work(seconds(60)).ok());
}

TEST(RealWorldTest, a_part_of_the_descriptors_is_kept_for_others) {
  RealWorldOptions options = quiet();
  options.descriptors = 100;
  EXPECT_EQ(must(RealWorld::start(options))->descriptors_max(), 75U);
  options.descriptors_kept = 60;
  EXPECT_EQ(must(RealWorld::start(options))->descriptors_max(), 40U);
  options.descriptors = 20'000;
  EXPECT_EQ(must(RealWorld::start(options))->descriptors_max(), 19'744U);
}

TEST(RealWorldTest, a_part_of_the_maps_is_kept_for_others) {
  RealWorldOptions options = quiet();
  EXPECT_EQ(must(RealWorld::start(options))->maps_max(), UINT64_MAX - 8192);
  options.maps = 65'530;
  EXPECT_EQ(must(RealWorld::start(options))->maps_max(), 57'338U);
  options.maps = 1000;
  EXPECT_EQ(must(RealWorld::start(options))->maps_max(), 750U);
}

}  // namespace
}  // namespace ion::base
