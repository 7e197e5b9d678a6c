// What a repair asks of the storage: a damaged log is closed behind its damage, each damaged piece is replaced by what of it can be read,
// and the log is whole. At whatever moment the power goes, nothing that could be read is lost, and another repair goes on.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

constexpr int64_t kBatches = 12;
const OpenOptions kOptions{.compaction = true, .segment_bytes = 4096};

char letter(int64_t offset) { return static_cast<char>('a' + offset); }
std::string segment(int64_t base) {
  const std::string digits = std::to_string(base);
  return "logs/p+a+0/" + std::string(20 - digits.size(), '0') + digits + ".log";
}

// Twelve batches of 1,000 bytes in three segments. Closed: all have an index. Killed: the last one is what a start has to read.
enum class End { kClosed, kKilled };
std::unique_ptr<FakeDisk> disk_with_twelve(End end) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", kOptions);
  for (int64_t i = 0; i < kBatches; ++i) EXPECT_TRUE(log.append(make_batch_of({i}, 1000, static_cast<uint8_t>(letter(i)))).ok());
  EXPECT_TRUE(log.sync().ok());
  world.run();
  if (end == End::kKilled) world.kill(log);
  else EXPECT_TRUE(log.close().ok());
  return world.disk.clone();
}

// The offsets that can be read, as letters; each with the right bytes.
std::string readable(LogDriver& log) {
  std::string all;
  for (int64_t at = log.stat().first.v; at < log.stat().next.v; ++at) {
    const ReadBack r = log.read({at}, {at + 1}, 1);
    if (!r.status.ok() || r.text().empty()) continue;
    if (at >= kBatches) all += r.text();
    else if (r.text() == value_of_batch_of(1000, static_cast<uint8_t>(letter(at)))) all += letter(at);
    else all += '?';
  }
  return all;
}

Status write_again(LogDriver& log, Replacement& replacement, Offset base, Offset next) {
  const auto cover = [&](Offset from, Offset upto) {
    return from < upto ? log.append_to(replacement, make_batch_without_records(from, static_cast<size_t>(upto - from), WallMs{1})) : Status();
  };
  Offset covered = base;
  for (Offset at = base; at < next;) {
    const ReadBack r = log.read(at, next, 1);
    if (r.status.code() == ION_E_CORRUPT) {
      at = r.next;
      continue;
    }
    ION_CHECK(r.status);
    ION_CHECK(cover(covered, r.base));
    const ion_buf part = borrowed(r.bufs.front().span());
    const ion_batch raw{r.base.v, r.next.v, 1'000, 0, 1, &part};
    ION_CHECK(log.ask([&](Op& op) { return replacement.append(op, {&raw, 1}); }).status());
    at = covered = r.next;
  }
  ION_CHECK(cover(covered, next));
  return log.commit(replacement);
}

// As the kernel does it.
Status repair(LogDriver& log) {
  (void)readable(log);
  if (!log.stat().damaged) return {};
  ION_CHECK(log.seal());
  for (int steps = 0; log.stat().damaged; ++steps) {
    if (steps > 2 * kBatches) return {ION_E_INTERNAL, "it stays damaged"};
    const LogStat stat = log.stat();
    ION_TRY(const std::vector<ion_range> pieces, log.log().ranges(stat.first, 100));
    if (pieces.empty() || stat.bad_from.v < pieces.front().base) {
      ION_CHECK(log.truncate_prefix(pieces.empty() ? stat.bad_upto : Offset{pieces.front().base}));
      continue;
    }
    size_t i = 0;
    while (i + 1 < pieces.size() && pieces[i + 1].base <= stat.bad_from.v) ++i;
    Status begun;
    const std::unique_ptr<Replacement> replacement = log.begin_replace({pieces[i].base}, {pieces[i].next}, &begun);
    ION_CHECK(begun);
    if (const Status written = write_again(log, *replacement, {pieces[i].base}, {pieces[i].next}); !written.ok()) {
      (void)log.abort(*replacement);
      return written;
    }
  }
  return {};
}

struct Damaged {
  const char* what;
  End end;
  void (*hurt)(FakeDisk& disk);
  const char* left;  // of "abcdefghijkl"
};
const Damaged kCases[] = {
    {"a sealed segment", End::kClosed, [](FakeDisk& d) { d.flip(segment(4), 1'500, 1); }, "abcdeghijkl"},
    {"two sealed segments and the last one", End::kClosed, [](FakeDisk& d) { d.flip(segment(0), 500, 1), d.flip(segment(4), 3'500, 1), d.flip(segment(8), 1'008, 4); }, "bcdefgikl"},
    {"the last one of a killed process", End::kKilled, [](FakeDisk& d) { d.flip(segment(8), 1'500, 1); }, "abcdefghikl"},
    {"the end of the last one", End::kKilled, [](FakeDisk& d) { d.flip(segment(8), 3'500, 1); }, "abcdefghijk"},
    {"a file in the middle that is gone", End::kClosed, [](FakeDisk& d) { d.take_away(segment(4)); }, "abcdijkl"},
    {"the first file gone", End::kClosed, [](FakeDisk& d) { d.take_away(segment(0)); }, "efghijkl"},
    {"the last file gone", End::kKilled, [](FakeDisk& d) { d.take_away(segment(8)); }, "abcdefgh"},
    {"all files gone", End::kClosed, [](FakeDisk& d) { d.take_away(segment(0)), d.take_away(segment(4)), d.take_away(segment(8)); }, ""},
    {"a file of zeros", End::kClosed, [](FakeDisk& d) { d.set_bytes(segment(4), std::vector<uint8_t>(4'096)), d.take_away("logs/p+a+0/00000000000000000004.index"); }, "abcdijkl"},
    {"half a file", End::kClosed, [](FakeDisk& d) { d.set_bytes(segment(4), [&] { auto b = d.bytes(segment(4)); b.resize(1'700); return b; }()), d.take_away("logs/p+a+0/00000000000000000004.index"); }, "abcdeijkl"},
};

void expect_whole(LogDriver& log, const std::string& left) {
  EXPECT_FALSE(log.stat().damaged);
  EXPECT_EQ(readable(log), left);
  EXPECT_FALSE(log.stat().damaged);
}

TEST(Repairs, whatever_was_damaged_the_rest_stays_the_log_is_written_on_and_no_offset_is_used_twice) {
  for (const Damaged& one : kCases) {
    SCOPED_TRACE(one.what);
    auto disk = disk_with_twelve(one.end);
    one.hurt(*disk);
    MmapFixture world({}, std::move(disk));
    LogDriver log = world.open("p/a/0", kOptions);
    ASSERT_TRUE(repair(log).ok());
    expect_whole(log, one.left);
    EXPECT_EQ(log.stat().next.v, kBatches);
    ASSERT_TRUE(log.append(make_batch({kBatches}, {"+"})).ok());
    ASSERT_TRUE(log.sync().ok());
    world.kill(log);
    for (int again = 0; again < 2; ++again) {
      log = world.open("p/a/0", kOptions);
      expect_whole(log, std::string(one.left) + std::string(static_cast<size_t>(again + 1), '+'));
      ASSERT_TRUE(log.append(make_batch({kBatches + 1 + again}, {"+"})).ok());
      ASSERT_TRUE(log.close().ok());
    }
  }
}

TEST(Repairs, a_repair_that_is_cut_short_anywhere_loses_nothing_more_and_another_one_goes_on) {
  for (const bool power : {false, true}) {
    for (const Damaged& one : kCases) {
      auto hurt = disk_with_twelve(one.end);
      one.hurt(*hurt);
      for (uint64_t n = 0;; ++n) {
        SCOPED_TRACE(std::string(one.what) + (power ? ", power cut at change " : ", killed at change ") + std::to_string(n));
        MmapFixture world({}, hurt->clone());
        LogDriver log = world.open("p/a/0", kOptions);
        world.disk.crash_at_change(n);
        (void)repair(log);
        const bool ended = !world.disk.crashed();
        SeededRandom random(1 + n);
        std::vector<std::unique_ptr<Log>> logs;
        logs.push_back(log.abandon());
        world.die(std::move(logs), [&] { power ? world.disk.lose_power(random) : world.disk.kill(); });
        log = world.open("p/a/0", kOptions);
        ASSERT_EQ(readable(log), one.left);
        ASSERT_EQ(log.stat().next.v, kBatches);
        const Status repaired = repair(log);
        ASSERT_TRUE(repaired.ok()) << repaired.text();
        expect_whole(log, one.left);
        ASSERT_TRUE(log.append(make_batch({kBatches}, {"+"})).ok());
        ASSERT_TRUE(log.close().ok());
        log = world.open("p/a/0", kOptions);
        expect_whole(log, std::string(one.left) + "+");
        ASSERT_TRUE(log.close().ok());
        if (ended) break;
      }
    }
  }
}

// What recovery did not take into a damaged log would end the log at its name, once the log has grown beyond that.
TEST(Repairs, files_behind_the_end_of_a_damaged_log_do_not_come_back) {
  for (const bool emptied : {false, true}) {
    auto disk = disk_with_twelve(End::kKilled);
    disk->flip(segment(0), 500, 1);
    disk->take_away("logs/p+a+0/00000000000000000000.index");
    {
      FakeFiles files(*disk);
      auto behind = files.open(segment(14), ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE);
      ASSERT_TRUE(behind && (*behind)->close().ok());
      disk->set_bytes(segment(14), disk->bytes(segment(4)));  // never durable: the mark is below it
    }
    MmapFixture world({}, std::move(disk));
    LogDriver log = world.open("p/a/0", kOptions);
    ASSERT_TRUE(log.stat().damaged);
    if (emptied) ASSERT_TRUE(log.truncate_prefix({kBatches}).ok());
    else ASSERT_TRUE(repair(log).ok());
    EXPECT_FALSE(world.disk.exists(segment(14)));
    for (int64_t i = 0; i < 3; ++i) ASSERT_TRUE(log.append(make_batch({kBatches + i}, {"+"})).ok());
    ASSERT_TRUE(log.sync().ok());
    world.kill(log);
    log = world.open("p/a/0", kOptions);
    expect_whole(log, emptied ? "+++" : "bcdefghijkl+++");
    EXPECT_TRUE(log.close().ok());
  }
}

TEST(Repairs, a_damaged_log_is_found_with_the_segment_that_had_no_name_yet) {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", kOptions);
  ASSERT_TRUE(log.append(make_batch_of({0}, 1000, 'a')).ok());
  ASSERT_TRUE(log.append(make_batch_of({1}, 2000, 'b')).ok());
  ASSERT_TRUE(log.sync().ok());
  world.run();
  const TestBatch next = make_batch_of({2}, 3000, 'c');
  ASSERT_EQ(Asked([&](Op& op) { return log.log().append(op, {&next.raw, 1}); }).code(), ION_OK);
  ASSERT_FALSE(world.disk.exists(segment(2))) << "the job that names it has not run";
  world.kill(log);
  world.disk.flip(segment(0), 500, 1);
  log = world.open("p/a/0", kOptions);
  EXPECT_TRUE(log.stat().damaged);
  EXPECT_EQ(log.stat().next.v, 3) << "a killed process loses nothing that was appended";
  EXPECT_EQ(log.read({2}).text(), value_of_batch_of(3000, 'c'));
  ASSERT_TRUE(repair(log).ok());
  EXPECT_EQ(log.read({2}).text(), value_of_batch_of(3000, 'c'));
  EXPECT_TRUE(log.close().ok());
}

TEST(Repairs, a_damaged_log_refuses_a_part_of_a_piece_and_keeps_what_is_not_replaced_damaged) {
  auto disk = disk_with_twelve(End::kClosed);
  disk->flip(segment(0), 500, 1), disk->flip(segment(4), 500, 1);
  MmapFixture world({}, std::move(disk));
  LogDriver log = world.open("p/a/0", kOptions);
  EXPECT_EQ(readable(log), "bcdfghijkl");
  Status begun;
  EXPECT_EQ(log.begin_replace({0}, {3}, &begun), nullptr);
  EXPECT_EQ(begun.code(), ION_E_INVALID);
  {
    const std::unique_ptr<Replacement> replacement = log.begin_replace({0}, {4});
    ASSERT_TRUE(write_again(log, *replacement, {0}, {4}).ok());
  }
  EXPECT_TRUE(log.stat().damaged);
  EXPECT_EQ(log.stat().bad_from.v, 4);
  EXPECT_EQ(log.add({"more"}).code(), ION_E_CORRUPT);
  EXPECT_EQ(readable(log), "bcdfghijkl");
  EXPECT_TRUE(log.close().ok());
}

}  // namespace
}  // namespace ion::storage_mmap
