#include "core/record_scan.h"

#include "segment_builder.h"
#include "support/seeded_random.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

ScanResult scan(const std::vector<uint8_t>& file, Offset base = {0}) { return RecordScan::run(spec_for(file, base), file); }
ScanResult scan_checked(const std::vector<uint8_t>& file, const BuiltSegment& built) {
  ScanSpec spec = spec_for(file, built.summary().base);
  spec.checkpoints = built.checkpoints();
  return RecordScan::run(std::move(spec), file);
}
void expect_equal(const ScanResult& a, const ScanResult& b) {
  EXPECT_EQ(a.summary.end, b.summary.end);
  EXPECT_EQ(a.summary.next, b.summary.next);
  EXPECT_EQ(a.summary.digest, b.summary.digest);
  EXPECT_EQ(a.dirty_tail, b.dirty_tail);
  EXPECT_EQ(a.end, b.end);
  ASSERT_EQ(a.bad.size(), b.bad.size());
  for (size_t i = 0; i < a.bad.size(); ++i) {
    EXPECT_EQ(a.bad[i].position, b.bad[i].position);
    EXPECT_EQ(a.bad[i].position_end, b.bad[i].position_end);
  }
  ASSERT_EQ(a.entries.size(), b.entries.size());
}

TEST(RecordScan, an_empty_segment_ends_at_its_beginning) {
  const ScanResult r = scan(std::vector<uint8_t>(4096, 0), {7});
  EXPECT_EQ(r.summary.end, 0u);
  EXPECT_EQ(r.summary.next.v, 7);
  EXPECT_FALSE(r.dirty_tail);
  EXPECT_TRUE(r.bad.empty());
  EXPECT_EQ(scan({}).summary.end, 0u);
  EXPECT_FALSE(scan(std::vector<uint8_t>(30, 0)).dirty_tail);
}

TEST(RecordScan, a_whole_segment_is_read_to_its_end_with_index_and_digest) {
  const BuiltSegment built = BuiltSegment({100}).add_many(20);
  const ScanResult r = scan_checked(built.file(), built);
  EXPECT_EQ(r.summary.end, built.bytes.size());
  EXPECT_EQ(r.summary.next, built.summary().next);
  EXPECT_EQ(r.summary.digest, built.summary().digest);
  EXPECT_EQ(r.summary.epoch.v, 4);
  EXPECT_EQ(r.summary.time_max, built.summary().time_max);
  EXPECT_TRUE(r.bad.empty());
  EXPECT_EQ(r.end, Fault::kEnd);
  ASSERT_EQ(r.entries.size(), built.entries.size());
  EXPECT_GT(r.entries.size(), 2u);
  for (size_t i = 0; i < r.entries.size(); ++i) EXPECT_EQ(r.entries[i].position, built.entries[i].position);
}

TEST(RecordScan, a_file_that_is_full_to_the_last_byte_ends_without_a_fault) {
  const BuiltSegment built = BuiltSegment().add_many(3);
  const ScanResult r = scan(built.bytes);
  EXPECT_EQ(r.end, Fault::kNone);
  EXPECT_EQ(r.summary.end, built.bytes.size());
}

TEST(RecordScan, a_tail_cut_at_any_byte_ends_with_the_last_whole_batch) {
  const BuiltSegment built = BuiltSegment().add({"one"}).add({"two"});
  for (uint64_t cut = 0; cut < built.bytes.size(); ++cut) {
    std::vector<uint8_t> file(built.bytes.begin(), built.bytes.begin() + static_cast<std::ptrdiff_t>(cut));
    file.resize(built.bytes.size() + 300, 0);
    const ScanResult r = scan(file);
    // A batch that ends in zeros is whole before its last byte comes.
    const auto is_there = [&](uint64_t bytes) { return std::equal(built.bytes.begin(), built.bytes.begin() + static_cast<std::ptrdiff_t>(bytes), file.begin()); };
    if (is_there(built.bytes.size())) continue;
    const size_t whole = is_there(built.positions[1]) ? 1 : 0;
    EXPECT_EQ(r.summary.next.v, static_cast<int64_t>(whole)) << cut;
    EXPECT_TRUE(r.bad.empty()) << cut;
    const uint64_t end = whole == 1 ? built.positions[1] : 0;
    const bool dirty = std::any_of(file.begin() + static_cast<std::ptrdiff_t>(end), file.end(), [](uint8_t b) { return b != 0; });
    EXPECT_EQ(r.dirty_tail, dirty) << cut;
  }
}

TEST(RecordScan, it_does_not_matter_in_which_pieces_the_bytes_come) {
  test::SeededRandom random(11);
  const BuiltSegment built = BuiltSegment().add_many(12);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint8_t> file = built.file(random.below(200));
    for (uint64_t flips = random.below(4); flips > 0; --flips) file[random.below(file.size())] ^= static_cast<uint8_t>(1u << random.below(8));
    ScanSpec spec = spec_for(file);
    if (round % 2 == 0) spec.checkpoints = built.checkpoints();
    const ScanResult at_once = RecordScan::run(spec, file);
    RecordScan pieces(spec);
    while (const auto want = pieces.wants()) {
      ASSERT_LE(want->at + want->n, file.size());
      const uint64_t more = std::min<uint64_t>(want->n + random.below(70), file.size() - want->at);
      pieces.feed(std::span<const uint8_t>(file).subspan(want->at, more));
    }
    SCOPED_TRACE("round " + std::to_string(round) + " of seed 11");
    expect_equal(at_once, std::move(pieces).finish());
  }
}

TEST(RecordScan, zeros_above_what_was_durable_are_the_end_and_the_rest_of_the_file_is_not_read) {
  const BuiltSegment built = BuiltSegment().add({"one"}).add({"two"});
  const std::vector<uint8_t> file = built.file(200'000);
  for (const auto& [durable, reads_all] : std::vector<std::pair<uint64_t, bool>>{{0, false}, {built.bytes.size(), false}, {built.bytes.size() + 1, true}}) {
    ScanSpec spec = spec_for(file);
    spec.durable = durable;
    RecordScan scan(spec);
    uint64_t furthest = 0;
    while (const auto want = scan.wants()) {
      const uint64_t upto = std::min<uint64_t>(want->at + std::max<uint64_t>(want->n, 1000), file.size());
      furthest = std::max(furthest, upto);
      scan.feed(std::span<const uint8_t>(file).subspan(want->at, upto - want->at));
    }
    const ScanResult r = std::move(scan).finish();
    EXPECT_EQ(r.summary.next.v, 2);
    EXPECT_EQ(r.end, Fault::kEnd);
    EXPECT_FALSE(r.dirty_tail);
    EXPECT_EQ(r.tail_unread, !reads_all);
    EXPECT_EQ(furthest == file.size(), reads_all) << durable;
  }
}

TEST(RecordScan, behind_a_bad_batch_reading_goes_on_with_the_next_whole_one) {
  const BuiltSegment built = BuiltSegment().add({"zero"}).add({"one", "more"}).add({"three"});
  for (const uint64_t byte : {built.positions[1] + 70, built.positions[1] + 16, built.positions[1] + 10, built.positions[1] + 18}) {
    std::vector<uint8_t> file = built.file();
    file[byte] ^= 0x10;
    const ScanResult r = scan(file);
    ASSERT_EQ(r.bad.size(), 1u) << byte;
    EXPECT_EQ(r.bad[0].from.v, 1);
    EXPECT_EQ(r.bad[0].upto.v, 3);
    EXPECT_EQ(r.bad[0].position, built.positions[1]);
    EXPECT_EQ(r.bad[0].position_end, built.positions[2]);
    EXPECT_EQ(r.summary.next.v, 4);
    EXPECT_FALSE(r.dirty_tail);
    EXPECT_EQ(r.entries.back().position, built.positions[2]);  // so that readers need not walk through the damage
  }
}

TEST(RecordScan, zeros_in_the_middle_are_damage_when_batches_follow) {
  const BuiltSegment built = BuiltSegment().add({"zero"}).add({std::string(1000, 'z')}).add({"two"});
  std::vector<uint8_t> file = built.file();
  std::fill(file.begin() + static_cast<std::ptrdiff_t>(built.positions[1]), file.begin() + static_cast<std::ptrdiff_t>(built.positions[2]), uint8_t{0});
  const ScanResult r = scan(file);
  ASSERT_EQ(r.bad.size(), 1u);
  EXPECT_EQ(r.bad[0].why, Fault::kEnd);
  EXPECT_EQ(r.summary.next.v, 3);
}

TEST(RecordScan, every_flipped_bit_is_found_when_index_entries_are_known) {
  const BuiltSegment built = BuiltSegment().add({"a", "b"}).add({"c"}).add({"d", "e"});
  for (uint64_t byte = 0; byte < built.bytes.size(); ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::vector<uint8_t> file = built.file();
      file[byte] = static_cast<uint8_t>(file[byte] ^ (1u << bit));
      const ScanResult r = scan_checked(file, built);
      const bool found = !r.bad.empty() || r.summary.end < built.summary().end;
      ASSERT_TRUE(found) << "byte " << byte << " bit " << bit;
      // What is still believed is what was written.
      for (const BadRange& bad : r.bad) ASSERT_LE(bad.position, byte);
    }
  }
}

TEST(RecordScan, a_changed_header_is_confined_to_its_stretch_of_the_index) {
  const BuiltSegment built = BuiltSegment({0}, 100).add_many(12);
  ASSERT_GT(built.entries.size(), 4u);
  std::vector<uint8_t> file = built.file();
  const Checkpoint from = built.entries[2], upto = built.entries[3];
  file[from.position + 15] ^= 1;  // leader epoch: no CRC covers it
  const ScanResult r = scan_checked(file, built);
  ASSERT_EQ(r.bad.size(), 1u);
  EXPECT_EQ(r.bad[0].why, Fault::kDigest);
  EXPECT_EQ(r.bad[0].position, from.position);
  EXPECT_EQ(r.bad[0].position_end, upto.position);
  EXPECT_EQ(r.bad[0].from, from.offset);
  EXPECT_EQ(r.bad[0].upto, upto.offset);
  EXPECT_EQ(r.summary.digest, built.summary().digest);
}

// A base offset below the end of the batch before: nobody can say which of the two was changed.
TEST(RecordScan, of_two_batches_whose_offsets_do_not_fit_neither_is_believed) {
  const BuiltSegment built = BuiltSegment().add({"zero"}).add({"one"}).add({"two"}).add({"three"});
  struct Case {
    size_t batch, byte;
    uint8_t flip;
  };
  for (const Case& c : {Case{1, 6, 1}, Case{2, 7, 3}}) {  // 1 becomes 257; 2 becomes 1
    SCOPED_TRACE(c.batch);
    std::vector<uint8_t> file = built.file();
    file[built.positions[c.batch] + c.byte] ^= c.flip;
    const ScanResult r = scan(file);
    ASSERT_EQ(r.bad.size(), 1u);
    EXPECT_EQ(r.bad[0].from.v, 1);
    EXPECT_EQ(r.bad[0].upto.v, 3);
    EXPECT_EQ(r.bad[0].position, built.positions[1]);
    EXPECT_EQ(r.bad[0].position_end, built.positions[3]);
    EXPECT_EQ(r.bad[0].why, Fault::kOffset);
    EXPECT_EQ(r.summary.next.v, 4);
  }
  std::vector<uint8_t> file = built.file();
  file[built.positions[3] + 7] ^= 1;  // the last, 3 becomes 2: nothing that can be believed comes behind
  const ScanResult r = scan(file);
  EXPECT_EQ(r.summary.next.v, 2);
  EXPECT_EQ(r.end, Fault::kOffset);
  EXPECT_TRUE(r.dirty_tail);
}

// A power cut let out every sector of a batch but the one in which it begins. The batch before was durable, and stays.
TEST(RecordScan, a_batch_whose_offset_lies_in_a_sector_that_was_not_written_takes_nothing_along) {
  constexpr Offset kBase{0x0102030405060708};
  int tried = 0;
  for (size_t in_front = 1; in_front <= 11; ++in_front) {
    for (size_t size = 0; size < 1100; ++size) {
      const BuiltSegment built = BuiltSegment(kBase).add({"before", std::string(size, 'v')}).add({"torn", "torn too"}).add({"behind"});
      if (built.positions[1] % 512 != 512 - in_front) continue;
      SCOPED_TRACE(in_front);
      ++tried;
      std::vector<uint8_t> file = built.file();
      std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(built.positions[1]), in_front, uint8_t{0});
      const ScanResult r = scan(file, kBase);
      ASSERT_EQ(r.bad.size(), 1u) << "a whole one comes behind: the durable mark decides that";
      EXPECT_EQ(r.bad[0].from, kBase + 2);
      EXPECT_EQ(r.bad[0].position, built.positions[1]);
      file.resize(built.positions[2] + 300);
      std::fill(file.begin() + static_cast<std::ptrdiff_t>(built.positions[2]), file.end(), uint8_t{0});
      const ScanResult end = scan(file, kBase);
      EXPECT_EQ(end.summary.next, kBase + 2);
      EXPECT_EQ(end.summary.end, built.positions[1]);
      EXPECT_TRUE(end.dirty_tail);
      EXPECT_TRUE(end.bad.empty());
      ScanSpec known = spec_for(file, kBase);
      known.durable = built.positions[2];
      EXPECT_EQ(RecordScan::run(std::move(known), file).summary.next, kBase) << "of bytes that were durable nobody can say so";
      break;
    }
  }
  EXPECT_EQ(tried, 11);
}

TEST(RecordScan, batches_inside_a_damaged_batch_are_not_taken_for_records_of_the_log) {
  const test::TestBatch inner = test::make_batch({1}, {"never appended"});
  const BuiltSegment built =
      BuiltSegment().add({"zero"}).add({"before " + std::string(text_of(std::span<const uint8_t>(inner.bytes))) + " after"}).add({"two"});
  std::vector<uint8_t> file = built.file();
  file[built.positions[2] - 1] ^= 1;
  const ScanResult r = scan(file);
  ASSERT_EQ(r.bad.size(), 1u);
  EXPECT_EQ(r.bad[0].position_end, built.positions[2]);
  EXPECT_EQ(r.bad[0].upto.v, 2);
}

TEST(RecordScan, batches_from_the_next_segments_base_on_do_not_belong_to_the_log) {
  const BuiltSegment built = BuiltSegment().add({"zero"}).add({"one"}).add({"cut"}).add({"cut too"});
  const std::vector<uint8_t> file = built.file();
  ScanSpec spec = spec_for(file);
  spec.stop_at = {2};
  const ScanResult r = RecordScan::run(std::move(spec), file);
  EXPECT_EQ(r.summary.next.v, 2);
  EXPECT_EQ(r.summary.end, built.positions[2]);
  EXPECT_TRUE(r.dirty_tail);
  EXPECT_TRUE(r.bad.empty());
}

TEST(RecordScan, a_stretch_in_the_middle_can_be_read_alone) {
  const BuiltSegment built = BuiltSegment({0}, 150).add_many(12);
  const Checkpoint from = built.entries[1], upto = built.entries[3];
  const auto read = [&](const std::vector<uint8_t>& file) {
    ScanSpec spec = spec_for(file);
    spec.start = {{0}, from.offset, from.position, from.digest, Epoch{-1}, WallMs{-1}};
    spec.limit = upto.position;
    spec.checkpoints = {built.entries[2], upto};
    return RecordScan::run(std::move(spec), file);
  };
  std::vector<uint8_t> file = built.file();
  const auto is_whole = [&](const ScanResult& r) { return r.bad.empty() && r.summary.end == upto.position; };
  EXPECT_TRUE(is_whole(read(file)));
  file[built.entries[2].position + 3] ^= 4;
  EXPECT_FALSE(is_whole(read(file)));
}

TEST(RecordScan, noise_is_never_believed_and_the_work_is_bounded) {
  test::SeededRandom random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<uint8_t> file(64 << 10);
    for (uint8_t& b : file) b = round % 2 == 0 ? static_cast<uint8_t>(random.u64()) : static_cast<uint8_t>(2);
    const ScanResult r = scan(file);
    EXPECT_EQ(r.summary.end, 0u);
    EXPECT_TRUE(r.dirty_tail);
  }
}

}  // namespace
}  // namespace ion::storage_mmap
