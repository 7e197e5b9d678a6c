// Times in a log: where one begins (offset_for_time), and when pieces were appended to. Every provider, and what only storage-mmap can meet:
// a killed process, damage, a cold index.
#include "contract/storage/storage_suite.h"

namespace ion::test {
namespace {

// "base/time", "NOT_FOUND" or the word of another failure.
std::string seek(LogDriver& log, int64_t time_ms, Offset from = {0}) {
  const Outcome o = log.ask([&](Op& op) { return log.log().offset_for_time(op, from, {time_ms}); }).take();
  if (!o.status.ok()) return std::string(code_name(o.status.code()));
  return std::to_string(o.u0) + "/" + std::to_string(static_cast<int64_t>(o.u1));
}
Status add_at(LogDriver& log, int64_t time_ms, const std::string& value = "x") { return log.add({value}, {Epoch{0}, WallMs{time_ms}}); }

class TimeSuite : public StorageSuite {
 protected:
  void SetUp() override {
    if (!claims(ION_STORAGE_TIME_INDEX)) GTEST_SKIP() << "without TIME_INDEX";
  }
  FakeClock& clock() { return world_->time(); }
};
ION_STORAGE_SUITE(TimeSuite);

TEST_P(TimeSuite, a_time_leads_to_the_first_batch_that_has_it_or_a_later_one) {
  LogDriver log = open();
  EXPECT_EQ(seek(log, 0), "NOT_FOUND");
  for (const int64_t t : {100, 300, 200, 400}) ASSERT_TRUE(add_at(log, t).ok());
  EXPECT_EQ(seek(log, -5), "0/100");
  EXPECT_EQ(seek(log, 100), "0/100");
  EXPECT_EQ(seek(log, 101), "1/300");
  EXPECT_EQ(seek(log, 301), "3/400");
  EXPECT_EQ(seek(log, 401), "NOT_FOUND");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, the_search_begins_where_it_is_told_to) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"a", "b", "c"}, {Epoch{0}, WallMs{300}}).ok());
  for (const int64_t t : {200, 300}) ASSERT_TRUE(add_at(log, t).ok());
  EXPECT_EQ(seek(log, 250, {2}), "0/300");  // the batch that holds it
  EXPECT_EQ(seek(log, 250, {3}), "4/300");
  EXPECT_EQ(seek(log, 250, {5}), "NOT_FOUND");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, times_of_records_may_be_negative_or_unknown) {
  LogDriver log = open();
  for (const int64_t t : {-1, -700, 5}) ASSERT_TRUE(add_at(log, t).ok());
  EXPECT_EQ(seek(log, -1000), "0/-1");
  EXPECT_EQ(seek(log, 0), "2/5");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, a_batch_without_records_has_no_time_and_the_search_goes_on_behind_it) {
  LogDriver log = open();
  ASSERT_TRUE(add_at(log, 10).ok());
  ASSERT_TRUE(log.append(make_batch_without_records({1}, 3, WallMs{500})).ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(add_at(log, 400).ok());
  EXPECT_EQ(seek(log, 20), "4/400");
  EXPECT_EQ(seek(log, 450), "NOT_FOUND");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, a_time_is_found_in_many_pieces_and_after_a_restart) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  const auto time_at = [](int64_t i) { return 1'000 + i * 10 + (i % 7 == 3 ? -35 : 0); };  // now and then one from before
  for (int64_t i = 0; i < 200; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 300, 'x', {Epoch{0}, WallMs{time_at(i)}})).ok());
  const auto wanted = [&](int64_t time) {
    for (int64_t i = 0; i < 200; ++i)
      if (time_at(i) >= time) return std::to_string(i) + "/" + std::to_string(time_at(i));
    return std::string("NOT_FOUND");
  };
  for (int64_t t = 990; t < 3'010; t += 13) ASSERT_EQ(seek(log, t), wanted(t)) << t;
  ASSERT_TRUE(log.close().ok());
  if (is_volatile()) return;
  world_->restart();
  log = open("p/a/0", {.segment_bytes = 4096});
  for (int64_t t = 990; t < 3'010; t += 13) ASSERT_EQ(seek(log, t), wanted(t)) << t;
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, what_was_taken_off_in_front_answers_no_time) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"a", "b"}, {Epoch{0}, WallMs{900}}).ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(add_at(log, 200).ok());
  ASSERT_TRUE(log.truncate_prefix({2}).ok());
  EXPECT_EQ(seek(log, 100), "2/200");
  EXPECT_EQ(seek(log, 300), "NOT_FOUND");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, pieces_tell_when_they_were_appended_to_whatever_their_records_say) {
  LogDriver log = open();
  EXPECT_EQ(log.stat().appended.ms, -1);
  EXPECT_EQ(log.stat().active_since.ms, -1);
  const int64_t begin = clock().wall().ms;
  ASSERT_TRUE(add_at(log, 0).ok());
  clock().advance(seconds(10));
  ASSERT_TRUE(add_at(log, 4'000'000'000'000).ok());
  EXPECT_EQ(log.stat().appended.ms, begin + 10'000);
  EXPECT_EQ(log.stat().active_since.ms, begin);
  ASSERT_TRUE(log.seal().ok());
  EXPECT_EQ(log.stat().appended.ms, begin + 10'000);
  EXPECT_EQ(log.stat().active_since.ms, -1);
  clock().advance(seconds(5));
  ASSERT_TRUE(add_at(log, -1).ok());
  EXPECT_EQ(log.stat().active_since.ms, begin + 15'000);
  const std::vector<ion_range> pieces = *log.log().ranges({0}, 10);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].appended_ms, begin + 10'000);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, a_clock_that_is_set_back_makes_no_append_older_than_the_one_before) {
  LogDriver log = open();
  const int64_t begin = clock().wall().ms;
  ASSERT_TRUE(add_at(log, 1).ok());
  clock().set_wall_by(Nanos{-seconds(3600).n});
  ASSERT_TRUE(add_at(log, 2).ok());
  EXPECT_EQ(log.stat().appended.ms, begin);
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(add_at(log, 3).ok());
  EXPECT_EQ(log.stat().appended.ms, begin);
  EXPECT_EQ(log.stat().active_since.ms, begin);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(TimeSuite, times_of_appends_survive_a_restart) {
  if (is_volatile()) return;
  LogDriver log = open();
  const int64_t begin = clock().wall().ms;
  ASSERT_TRUE(add_at(log, 1).ok());
  ASSERT_TRUE(log.seal().ok());
  clock().advance(seconds(10));
  ASSERT_TRUE(add_at(log, 2).ok());
  ASSERT_TRUE(log.close().ok());
  clock().advance(seconds(1000));
  world_->restart();
  log = open();
  EXPECT_EQ(log.stat().appended.ms, begin + 10'000);
  EXPECT_EQ(log.stat().active_since.ms, begin + 10'000);
  EXPECT_EQ(log.log().ranges({0}, 10)->at(0).appended_ms, begin);
  ASSERT_TRUE(add_at(log, 3).ok());
  EXPECT_EQ(log.stat().appended.ms, begin + 1'010'000);
  EXPECT_EQ(log.stat().active_since.ms, begin + 10'000);
  EXPECT_TRUE(log.close().ok());
}

TEST(TimesOfMmap, the_age_at_which_a_segment_is_closed_goes_on_over_a_restart) {
  MmapFixture world;
  const OpenOptions options{.segment_bytes = 1 << 20, .segment_age = seconds(100)};
  LogDriver log = world.open("p/a/0", options);
  ASSERT_TRUE(add_at(log, 1).ok());
  ASSERT_TRUE(log.close().ok());
  world.clock.advance(seconds(60));
  world.restart();
  log = world.open("p/a/0", options);
  ASSERT_TRUE(add_at(log, 2).ok());
  EXPECT_EQ(log.stat().sealed.v, 0);
  world.clock.advance(seconds(41));
  ASSERT_TRUE(add_at(log, 3).ok());
  EXPECT_EQ(log.stat().sealed.v, 2);
  EXPECT_TRUE(log.close().ok());
}

TEST(TimesOfMmap, after_a_kill_the_last_append_counts_as_of_the_recovery_and_times_are_found) {
  MmapFixture world;
  LogDriver log = world.open();
  for (const int64_t t : {100, 200, 300}) ASSERT_TRUE(add_at(log, t).ok());
  world.kill(log);
  world.clock.advance(seconds(50));
  log = world.open();
  EXPECT_EQ(log.stat().appended.ms, world.clock.wall().ms);
  EXPECT_EQ(seek(log, 150), "1/200");
  EXPECT_TRUE(log.close().ok());
}

TEST(TimesOfMmap, offsets_that_are_damaged_are_passed_over) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  for (const int64_t t : {100, 200, 300}) ASSERT_TRUE(log.append(make_batch_of(log.stat().next, 20'000, 'x', {Epoch{0}, WallMs{t}})).ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(add_at(log, 400).ok());
  ASSERT_TRUE(log.close().ok());
  world.disk.flip("logs/p+a+0/00000000000000000000.log", 20'500, 3);
  world.restart();
  log = world.open("p/a/0", {.segment_bytes = 1 << 20});
  EXPECT_EQ(seek(log, 100), "0/100");
  EXPECT_EQ(seek(log, 150), "2/300");
  EXPECT_EQ(seek(log, 350), "3/400");
  EXPECT_TRUE(log.close().ok());
}

}  // namespace
}  // namespace ion::test
