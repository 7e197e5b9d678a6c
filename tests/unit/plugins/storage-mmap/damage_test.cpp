// What a disk can do to bytes that were durable, one thing after another: each is found, nothing damaged is handed out or cut, and
// the rest can be read. What was not durable may go.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

constexpr const char* kFirst = "logs/p+a+0/00000000000000000000.log";
constexpr const char* kMarks = "marks";

// A log whose three batches are durable. Killed: no index. Closed: with one.
enum class End { kKilled, kClosed };
std::unique_ptr<FakeDisk> disk_with_three(End end) {
  MmapFixture world;
  LogDriver log = world.open();
  EXPECT_TRUE(log.add({"zero", "one"}).ok() && log.add({"two"}).ok() && log.add({"three"}).ok() && log.sync().ok());
  world.run();
  if (end == End::kKilled) world.kill(log);
  else EXPECT_TRUE(log.close().ok());
  return world.disk.clone();
}
uint64_t bytes_of_three() {
  return make_batch({0}, {"zero", "one"}).bytes.size() + make_batch({2}, {"two"}).bytes.size() + make_batch({3}, {"three"}).bytes.size();
}

void expect_refuses_appends(LogDriver& log) {
  const Status s = log.add({"more"});
  EXPECT_EQ(s.code(), ION_E_CORRUPT);
  EXPECT_NE(s.message().find("read on from offset"), std::string::npos) << s.text();
}

// How many records a log gives, read in pieces.
int all_of(LogDriver& log, int records) {
  int n = 0;
  for (Offset at{0}; at.v < records;) {
    const ReadBack r = log.read(at, {INT64_MAX}, 1500);
    if (!r.status.ok() || r.bytes() == 0) break;
    for (const batch::Header& h : r.headers()) n += h.count;
    at = r.next;
  }
  return n;
}

TEST(Damage, every_flipped_bit_below_the_mark_is_found_and_never_handed_out) {
  for (const End end : {End::kKilled, End::kClosed}) {
    const auto healthy = disk_with_three(end);
    for (uint64_t byte = 0; byte < bytes_of_three(); ++byte) {
      for (const unsigned bit : {0u, 3u, 7u}) {
        SCOPED_TRACE((end == End::kKilled ? "killed, byte " : "closed, byte ") + std::to_string(byte) + " bit " + std::to_string(bit));
        auto disk = healthy->clone();
        disk->flip(kFirst, byte, bit);
        const std::vector<uint8_t> before = disk->bytes(kFirst);
        MmapFixture world({}, std::move(disk));
        LogDriver log = world.open();
        const LogStat s = log.stat();
        ASSERT_TRUE(s.damaged);
        ASSERT_FALSE(s.cut_tail);
        ASSERT_EQ(s.next.v, 4);
        for (int64_t from = 0; from < 4; ++from) {
          const ReadBack r = log.read({from}, {INT64_MAX}, 1);
          const bool bad = from >= s.bad_from.v && from < s.bad_upto.v;
          ASSERT_EQ(bad ? std::string(code_name(r.status.code())) : r.text(), bad ? "CORRUPT" : from < 2 ? "zero,one" : from == 2 ? "two" : "three");
        }
        expect_refuses_appends(log);
        EXPECT_EQ(log.truncate_suffix({0}).code(), ION_E_CORRUPT);
        ASSERT_TRUE(log.close().ok());
        ASSERT_EQ(world.disk.bytes(kFirst), before);  // nothing was repaired, cut or zeroed
      }
    }
  }
}

TEST(Damage, a_flipped_bit_in_a_sealed_segment_is_found_when_it_is_first_read) {
  MmapFixture origin;
  {
    LogDriver log = origin.open();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000, static_cast<uint8_t>('a' + i))).ok());
    ASSERT_TRUE(log.close().ok());
  }
  for (const uint64_t byte : {3u, 10u, 14u, 16u, 19u, 500u, 990u}) {
    SCOPED_TRACE("byte " + std::to_string(byte));
    auto disk = origin.disk.clone();
    disk->flip(kFirst, byte, 2);
    MmapFixture world({}, std::move(disk));
    LogDriver log = world.open();
    EXPECT_FALSE(log.stat().damaged);
    EXPECT_EQ(log.read({5}, {6}).text(), value_of_batch_of(1000, 'f'));
    ASSERT_TRUE(log.add({"still whole"}).ok());
    EXPECT_EQ(log.read({0}, {INT64_MAX}, 1).status.code(), ION_E_CORRUPT);
    const LogStat s = log.stat();
    EXPECT_TRUE(s.damaged);
    EXPECT_EQ(s.bad_from.v, 0);
    EXPECT_LE(s.bad_upto.v, 4);
    expect_refuses_appends(log);
    EXPECT_EQ(log.read({5}, {6}).text(), value_of_batch_of(1000, 'f'));
    EXPECT_EQ(world.log.count("ERROR damage"), 1u);
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Damage, a_log_whose_damage_went_with_its_beginning_is_whole_and_written_on) {
  MmapFixture origin;
  {
    LogDriver log = origin.open();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000, static_cast<uint8_t>('a' + i))).ok());
    ASSERT_TRUE(log.close().ok());
  }
  origin.disk.flip(kFirst, 2'500, 2);
  MmapFixture world({}, origin.disk.clone());
  {
    LogDriver log = world.open();
    ASSERT_EQ(log.read({2}, {INT64_MAX}, 1).status.code(), ION_E_CORRUPT);
    const Offset behind = log.stat().bad_upto;
    EXPECT_TRUE(log.truncate_prefix({1}).ok()) << "the beginning goes before the damage, too";
    EXPECT_TRUE(log.stat().damaged);
    expect_refuses_appends(log);
    EXPECT_TRUE(log.truncate_prefix(behind).ok());
    EXPECT_FALSE(log.stat().damaged);
    EXPECT_TRUE(log.add({"more"}).ok());
    EXPECT_EQ(log.read({5}, {6}).text(), value_of_batch_of(1000, 'f'));
    EXPECT_EQ(log.stat().first, behind);
    ASSERT_TRUE(log.sync().ok());
    world.kill(log);
  }
  LogDriver again = world.open();
  EXPECT_FALSE(again.stat().damaged);
  EXPECT_GE(again.stat().first.v, 3);
  EXPECT_EQ(again.read({12}).text(), "more");
  EXPECT_TRUE(again.add({"and more"}).ok());
  EXPECT_TRUE(again.close().ok());
}

TEST(Damage, damage_that_went_with_the_beginning_of_its_segment_does_not_come_back) {
  for (const bool sealed : {true, false}) {
    SCOPED_TRACE(sealed ? "sealed" : "active");
    const OpenOptions options{.segment_bytes = sealed ? uint64_t{96} << 10 : uint64_t{1} << 20};
    MmapFixture origin;
    {
      LogDriver log = origin.open("p/a/0", options);
      for (int i = 0; i < 90; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000, static_cast<uint8_t>('a' + i % 20))).ok());
      ASSERT_TRUE(log.close().ok());
    }
    for (const uint64_t byte : {2'500u, 2'008u}) {  // within a batch, and the length that says where it ends
      auto disk = origin.disk.clone();
      disk->flip(kFirst, byte, 2);
      MmapFixture world({}, std::move(disk));
      LogDriver log = world.open("p/a/0", options);
      ASSERT_FALSE(log.stat().damaged);
      ASSERT_EQ(log.read({2}, {INT64_MAX}, 1).status.code(), ION_E_CORRUPT);
      const Offset behind = log.stat().bad_upto;
      ASSERT_LT(behind.v, 20);
      ASSERT_TRUE(log.truncate_prefix(behind).ok());
      const auto is_whole = [&](LogDriver& one) {
        EXPECT_FALSE(one.stat().damaged);
        for (int64_t at = behind.v; at < 90; ++at) EXPECT_EQ(one.read({at}, {at + 1}).text(), value_of_batch_of(1000, static_cast<char>('a' + at % 20))) << at;
        EXPECT_FALSE(one.stat().damaged);
      };
      is_whole(log);
      EXPECT_TRUE(log.add({"more"}).ok());
      ASSERT_TRUE(log.sync().ok());
      world.kill(log);
      for (int again = 0; again < 2; ++again) {
        LogDriver later = world.open("p/a/0", options);
        is_whole(later);
        EXPECT_TRUE(later.add({"and more"}).ok());
        ASSERT_TRUE(later.close().ok());
      }
      EXPECT_EQ(world.log.count("ERROR damage"), 1u);
    }
  }
}

TEST(Damage, a_log_without_a_segment_to_write_on_can_be_emptied_and_goes_on_at_its_end) {
  auto disk = disk_with_three(End::kKilled);
  disk->flip(kFirst, 200, 1);
  MmapFixture world({}, std::move(disk));
  {
    LogDriver log = world.open();
    ASSERT_TRUE(log.stat().damaged);
    const Status part = log.truncate_prefix({3});
    EXPECT_EQ(part.code(), ION_E_CORRUPT);
    EXPECT_NE(part.message().find("can only be emptied: by deleting what is before 4"), std::string::npos) << part.text();
    EXPECT_TRUE(log.truncate_prefix({4}).ok());
    EXPECT_FALSE(log.stat().damaged);
    EXPECT_EQ(log.stat().first.v, 4) << "the start never moves back";
    EXPECT_TRUE(log.add({"four"}).ok());
    ASSERT_TRUE(log.sync().ok());
    world.kill(log);
  }
  LogDriver again = world.open();
  EXPECT_FALSE(again.stat().damaged);
  EXPECT_EQ(again.stat().first.v, 4);
  EXPECT_EQ(again.text({4}), "four");
  EXPECT_TRUE(again.close().ok());
}

// Its last segment begins where the log goes on, so that the new one takes its name.
TEST(Damage, a_log_that_is_emptied_up_to_an_empty_segment_keeps_what_comes) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"zero"}).ok() && log.add({"one"}).ok() && log.seal().ok() && log.sync().ok());
  world.kill(log);
  world.stop();
  world.disk.set_bytes(kFirst, std::vector<uint8_t>(40));
  world.start();
  LogDriver damaged = world.open();
  ASSERT_TRUE(damaged.stat().damaged);
  ASSERT_TRUE(damaged.truncate_prefix({2}).ok());
  ASSERT_FALSE(damaged.stat().damaged);
  ASSERT_TRUE(damaged.add({"two"}).ok() && damaged.sync().ok());
  world.kill(damaged);
  LogDriver again = world.open();
  EXPECT_EQ(again.text({2}), "two");
  EXPECT_TRUE(again.close().ok());
}

TEST(Damage, a_sealed_segment_of_this_process_is_not_checked_again) {
  MmapFixture world;
  LogDriver log = world.open();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
  const uint64_t reads = world.disk.count(DiskOp::kPread, ".log");
  EXPECT_EQ(all_of(log, 12), 12);
  EXPECT_EQ(world.disk.count(DiskOp::kPread, ".log"), reads);
  EXPECT_TRUE(log.close().ok());
}

TEST(Damage, a_shortened_segment_file_is_damage_up_to_the_mark) {
  const auto healthy = disk_with_three(End::kKilled);
  for (uint64_t n = 0; n < bytes_of_three(); n += 7) {
    auto disk = healthy->clone();
    std::vector<uint8_t> bytes = disk->bytes(kFirst);
    bytes.resize(n);
    disk->set_bytes(kFirst, bytes);
    MmapFixture world({}, std::move(disk));
    LogDriver log = world.open();
    const LogStat s = log.stat();
    ASSERT_TRUE(s.damaged) << n;
    ASSERT_EQ(s.bad_upto.v, 4) << n;
    ASSERT_EQ(s.next.v, 4) << n;
    const ReadBack first = log.read({0}, {INT64_MAX}, 1);
    EXPECT_EQ(first.status.ok() ? first.text() : "", s.bad_from.v > 0 ? "zero,one" : "") << n;
    EXPECT_EQ(log.read({3}).status.code(), ION_E_CORRUPT);
    EXPECT_EQ(world.disk.bytes(kFirst).size(), n);
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Damage, a_segment_that_was_taken_away_is_damage) {
  MmapFixture origin;
  {
    LogDriver log = origin.open();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
    ASSERT_TRUE(log.close().ok());
  }
  for (const char* name : {"00000000000000000000.log", "00000000000000000004.log", "00000000000000000008.log"}) {
    auto disk = origin.disk.clone();
    ASSERT_TRUE(disk->exists(std::string("logs/p+a+0/") + name));
    disk->take_away(std::string("logs/p+a+0/") + name);
    MmapFixture world({}, std::move(disk));
    LogDriver log = world.open();
    EXPECT_TRUE(log.stat().damaged) << name;
    EXPECT_EQ(log.stat().next.v, 12);
    EXPECT_EQ(log.stat().bad_upto - log.stat().bad_from, 4);
    const ReadBack lost = log.read(log.stat().bad_from + 1);
    EXPECT_EQ(lost.status.code(), ION_E_CORRUPT);
    EXPECT_EQ(lost.base, log.stat().bad_from) << "what is damaged stands beside the words";
    EXPECT_EQ(lost.next, log.stat().bad_upto);
    expect_refuses_appends(log);
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Damage, bytes_above_the_mark_that_do_not_prove_themselves_are_cut_and_zeroed_in_place) {
  const auto healthy = disk_with_three(End::kKilled);
  auto disk = healthy->clone();
  std::vector<uint8_t> bytes = disk->bytes(kFirst);
  const TestBatch torn = make_batch({4}, {"torn in the middle of its value"}), behind = make_batch({5}, {"whole, and proves nothing"});
  const uint64_t end = bytes_of_three();
  std::copy(torn.bytes.begin(), torn.bytes.end() - 9, bytes.begin() + static_cast<std::ptrdiff_t>(end));
  std::copy(behind.bytes.begin(), behind.bytes.end(), bytes.begin() + static_cast<std::ptrdiff_t>(end + torn.bytes.size()));
  disk->set_bytes(kFirst, bytes);
  MmapFixture world({}, std::move(disk));
  LogDriver log = world.open();
  EXPECT_TRUE(log.stat().cut_tail);
  EXPECT_FALSE(log.stat().damaged);
  EXPECT_EQ(log.text(), "zero,one,two,three");
  const std::vector<uint8_t> after = world.disk.bytes(kFirst);
  EXPECT_EQ(after.size(), bytes.size());
  EXPECT_TRUE(std::all_of(after.begin() + static_cast<std::ptrdiff_t>(end), after.end(), [](uint8_t b) { return b == 0; }));
  ASSERT_TRUE(log.add({"four"}).ok());
  EXPECT_EQ(log.text(), "zero,one,two,three,four");
  EXPECT_TRUE(log.close().ok());
}

TEST(Marks, an_older_mark_loses_nothing) {
  MmapFixture world;
  LogDriver log = world.open();
  ASSERT_TRUE(log.add({"early"}).ok() && log.sync().ok());
  world.run();
  const std::vector<uint8_t> old_marks = world.disk.bytes(kMarks);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(log.append(make_batch_of(log.stat().next, 700)).ok() && log.sync().ok());
  world.run();
  world.kill(log);
  auto disk = world.disk.clone();
  disk->set_bytes(kMarks, old_marks);
  MmapFixture later({}, std::move(disk));
  LogDriver again = later.open();
  EXPECT_FALSE(again.stat().damaged || again.stat().cut_tail);
  EXPECT_EQ(again.stat().next.v, 31);
  EXPECT_EQ(again.read({0}, {1}).text(), "early");
  EXPECT_TRUE(again.close().ok());
}

TEST(Marks, a_missing_or_garbled_mark_file_loses_nothing_and_is_told) {
  for (const bool missing : {true, false}) {
    auto disk = disk_with_three(End::kKilled);
    if (missing) disk->take_away(kMarks);
    else disk->set_bytes(kMarks, std::vector<uint8_t>(disk->bytes(kMarks).size(), 0xA5));
    MmapFixture world({}, std::move(disk));
    LogDriver log = world.open();
    EXPECT_FALSE(log.stat().damaged || log.stat().cut_tail);
    EXPECT_EQ(log.text(), "zero,one,two,three");
    EXPECT_EQ(world.log.count("durable mark is lost"), 1u);
    EXPECT_EQ(world.log.count("mark slots that do not prove themselves"), missing ? 0u : 1u);
    ASSERT_TRUE(log.add({"four"}).ok() && log.sync().ok());
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Marks, without_a_mark_a_bad_batch_with_whole_ones_behind_it_is_damage_and_a_bad_end_is_cut) {
  const uint64_t second = make_batch({0}, {"zero", "one"}).bytes.size();
  auto disk = disk_with_three(End::kKilled);
  disk->take_away(kMarks);
  auto middle = disk->clone(), end = disk->clone();
  middle->flip(kFirst, second + 65, 1);
  MmapFixture damaged({}, std::move(middle));
  LogDriver one = damaged.open();
  EXPECT_TRUE(one.stat().damaged);
  EXPECT_EQ(one.read({3}).text(), "three");
  EXPECT_TRUE(one.close().ok());
  end->flip(kFirst, bytes_of_three() - 2, 1);
  MmapFixture cut({}, std::move(end));
  LogDriver other = cut.open();
  EXPECT_TRUE(other.stat().cut_tail);
  EXPECT_EQ(other.text(), "zero,one,two");
  EXPECT_TRUE(other.close().ok());
}

TEST(Marks, one_garbled_slot_falls_back_to_the_other) {
  MmapFixture origin;
  LogDriver log = origin.open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(log.add({"x"}).ok() && log.sync().ok());
  origin.run();
  origin.kill(log);
  for (const uint64_t page : {0u, 4096u}) {
    auto disk = origin.disk.clone();
    disk->flip(kMarks, page + 45, 3);
    MmapFixture world({}, std::move(disk));
    LogDriver again = world.open();
    EXPECT_EQ(again.text(), "x,x,x");
    EXPECT_FALSE(again.stat().damaged);
    EXPECT_EQ(world.log.count("durable mark is lost"), 0u);
    EXPECT_TRUE(again.close().ok());
  }
}

TEST(Indexes, a_missing_or_wrong_index_is_built_again_from_the_batches) {
  MmapFixture origin;
  {
    LogDriver log = origin.open();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
    ASSERT_TRUE(log.close().ok());
  }
  const std::string index = "logs/p+a+0/00000000000000000000.index";
  const std::vector<uint8_t> right = origin.disk.bytes(index);
  for (int what = 0; what < 4; ++what) {
    auto disk = origin.disk.clone();
    if (what == 0) disk->take_away(index);
    if (what == 1) disk->flip(index, 50, 1);                        // its header
    if (what == 2) disk->flip(index, right.size() - 3, 1);          // an entry
    if (what == 3) disk->set_bytes(index, disk->bytes("logs/p+a+0/00000000000000000004.index"));
    MmapFixture world({}, std::move(disk));
    LogDriver log = world.open();
    EXPECT_FALSE(log.stat().damaged);
    EXPECT_EQ(all_of(log, 12), 12) << what;
    EXPECT_TRUE(log.close().ok());
    EXPECT_EQ(world.disk.bytes(index).size(), right.size()) << what;
    MmapFixture again({}, world.disk.clone());
    LogDriver more = again.open();
    EXPECT_EQ(all_of(more, 12), 12);
    EXPECT_TRUE(more.close().ok());
  }
}

TEST(Indexes, damage_in_a_segment_without_index_is_still_found) {
  MmapFixture origin;
  {
    LogDriver log = origin.open();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
    ASSERT_TRUE(log.close().ok());
  }
  auto disk = origin.disk.clone();
  disk->take_away("logs/p+a+0/00000000000000000000.index");
  disk->flip(kFirst, 1500, 0);
  MmapFixture world({}, std::move(disk));
  LogDriver log = world.open();
  EXPECT_TRUE(log.stat().damaged);
  EXPECT_EQ(log.stat().bad_from.v, 1);
  EXPECT_EQ(log.stat().bad_upto.v, 2);
  EXPECT_EQ(log.read({0}, {1}).bytes(), 1000u);
  EXPECT_EQ(log.read({2}, {4}).bytes(), 2000u);
  EXPECT_EQ(log.read({1}).status.code(), ION_E_CORRUPT);
  EXPECT_TRUE(log.close().ok());
}

TEST(MetaItems, that_do_not_prove_themselves_are_corrupt_and_never_older) {
  MmapFixture origin;
  {
    LogDriver log = origin.open();
    ASSERT_TRUE(log.meta_put("vote", "a").ok() && log.meta_put("vote", "b").ok());
    ASSERT_TRUE(log.close().ok());
  }
  auto disk = origin.disk.clone();
  disk->flip("logs/p+a+0/meta", 40, 1);
  MmapFixture world({}, std::move(disk));
  LogDriver log = world.open();
  EXPECT_EQ(log.meta_get("vote"), "!CORRUPT");
  EXPECT_EQ(log.meta_put("vote", "c").code(), ION_E_CORRUPT);
  EXPECT_TRUE(log.close().ok());
}

}  // namespace
}  // namespace ion::storage_mmap
