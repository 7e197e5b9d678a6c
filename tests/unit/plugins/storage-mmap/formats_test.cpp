// Index, marks, meta items, names: what is written is read back, and every changed bit is refused.
#include "core/mark_format.h"
#include "core/meta_format.h"
#include "core/offset_index.h"
#include "io/directory_layout.h"

#include "segment_builder.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

const Owner kOwner = owner_of(Uuid::random(1, 2), "p/a/0");

template <class Refused>
void expect_every_bit_counts(const std::vector<uint8_t>& bytes, Refused&& refused) {
  for (size_t byte = 0; byte < bytes.size(); ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::vector<uint8_t> changed = bytes;
      changed[byte] = static_cast<uint8_t>(changed[byte] ^ (1u << bit));
      ASSERT_TRUE(refused(changed)) << "byte " << byte << " bit " << bit;
    }
  }
}

TEST(IndexFile, is_read_back_as_it_was_written) {
  const BuiltSegment built = BuiltSegment({1234}).add_many(9);
  const std::vector<uint8_t> bytes = encode_index(kOwner, built.index());
  const auto back = decode_index(kOwner, {1234}, bytes);
  ASSERT_TRUE(back.has_value()) << back.error().text();
  EXPECT_EQ(back->summary.next, built.summary().next);
  EXPECT_EQ(back->summary.end, built.summary().end);
  EXPECT_EQ(back->summary.digest, built.summary().digest);
  EXPECT_EQ(back->summary.epoch, built.summary().epoch);
  EXPECT_EQ(back->summary.time_max, built.summary().time_max);
  ASSERT_EQ(back->entries.size(), built.entries.size());
  EXPECT_EQ(back->entries.back().digest, built.entries.back().digest);
  const auto summary = decode_index_summary(kOwner, {1234}, std::span<const uint8_t>(bytes).first(kIndexHeaderBytes));
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->end, built.summary().end);
}

TEST(IndexFile, every_changed_bit_is_refused) {
  const std::vector<uint8_t> bytes = encode_index(kOwner, BuiltSegment().add_many(5).index());
  expect_every_bit_counts(bytes, [](const std::vector<uint8_t>& changed) { return !decode_index(kOwner, {0}, changed).has_value(); });
}

TEST(IndexFile, one_of_another_segment_log_or_directory_does_not_prove_itself) {
  const std::vector<uint8_t> bytes = encode_index(kOwner, BuiltSegment().add_many(5).index());
  EXPECT_FALSE(decode_index(kOwner, {1}, bytes).has_value());
  EXPECT_FALSE(decode_index(owner_of(Uuid::random(1, 2), "p/a/1"), {0}, bytes).has_value());
  EXPECT_FALSE(decode_index(owner_of(Uuid::random(1, 3), "p/a/0"), {0}, bytes).has_value());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_index(kOwner, {0}, std::span<const uint8_t>(bytes).first(n)).has_value());
}

TEST(FloorEntry, finds_the_last_one_that_holds) {
  const std::vector<int> v{1, 3, 3, 7};
  const auto at = [&](size_t i) { return v[i]; };
  const auto floor_at = [&](int x) { return floor_entry(v.size(), at, [&](int e) { return e <= x; }); };
  EXPECT_EQ(floor_at(0), kNoEntry);
  EXPECT_EQ(floor_at(1), 0u);
  EXPECT_EQ(floor_at(3), 2u);
  EXPECT_EQ(floor_at(6), 2u);
  EXPECT_EQ(floor_at(100), 3u);
}

MarkSlot slot(uint64_t generation, std::string log = "p/a/0") {
  return {generation, std::move(log), {{3}, {40}, {20}, 700, 0xabcdef, Epoch{5}}};
}

TEST(MarkSlot, is_read_back_and_every_changed_bit_is_garbled) {
  const auto bytes = encode_mark(kOwner.storage, slot(9));
  const ReadSlot back = decode_mark(kOwner.storage, bytes);
  ASSERT_EQ(back.state, SlotState::kWhole);
  EXPECT_EQ(back.slot.generation, 9u);
  EXPECT_EQ(back.slot.log, "p/a/0");
  EXPECT_EQ(back.slot.mark, slot(9).mark);
  expect_every_bit_counts({bytes.begin(), bytes.end()}, [](const std::vector<uint8_t>& changed) {
    return decode_mark(kOwner.storage, std::span<const uint8_t>(changed).first<kMarkSlotBytes>()).state == SlotState::kGarbled;
  });
  EXPECT_EQ(decode_mark(Uuid::random(8, 8), bytes).state, SlotState::kGarbled);
  const std::array<uint8_t, kMarkSlotBytes> zeros{};
  EXPECT_EQ(decode_mark(kOwner.storage, zeros).state, SlotState::kEmpty);
}

TEST(MarkSlot, the_newer_of_two_counts_and_one_survives_the_other) {
  const ReadSlot old{SlotState::kWhole, slot(4)}, young{SlotState::kWhole, slot(5)}, torn{SlotState::kGarbled, {}}, empty{};
  EXPECT_EQ(newest_mark(old, young)->generation, 5u);
  EXPECT_EQ(newest_mark(young, old)->generation, 5u);
  EXPECT_EQ(newest_mark(old, torn)->generation, 4u);
  EXPECT_EQ(newest_mark(empty, young)->generation, 5u);
  EXPECT_FALSE(newest_mark(torn, empty).has_value());
  EXPECT_FALSE(newest_mark(old, {SlotState::kWhole, slot(5, "another")}).has_value());
}

TEST(MarkSlot, two_slots_of_a_log_never_share_a_page_and_no_two_places_are_the_same) {
  std::set<uint64_t> places;
  for (uint64_t log = 0; log < 100; ++log) {
    EXPECT_NE(mark_position({log, 0}) / kPageBytes, mark_position({log, 1}) / kPageBytes);
    for (uint32_t which = 0; which < 2; ++which) {
      EXPECT_TRUE(places.insert(mark_position({log, which})).second);
      EXPECT_LE(mark_position({log, which}) + kMarkSlotBytes, mark_file_bytes(100));
    }
  }
  EXPECT_EQ(marks_in(mark_file_bytes(64)), 64u);
}

TEST(MetaFile, is_read_back_and_every_changed_bit_is_refused) {
  const MetaItems items{{"empty", {}}, {"term", {1, 2, 3}}, {"vote", {9}}};
  const std::vector<uint8_t> bytes = encode_meta(kOwner, items);
  EXPECT_EQ(*decode_meta(kOwner, bytes), items);
  EXPECT_EQ(*decode_meta(kOwner, encode_meta(kOwner, {})), MetaItems{});
  expect_every_bit_counts(bytes, [](const std::vector<uint8_t>& changed) { return !decode_meta(kOwner, changed).has_value(); });
  EXPECT_FALSE(decode_meta(owner_of(kOwner.storage, "p/b/0"), bytes).has_value());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_meta(kOwner, std::span<const uint8_t>(bytes).first(n)).has_value());
}

TEST(LogNames, become_directories_and_back) {
  for (const char* name : {"p/6f1e-aa/3", "raft/meta/snap-7", "meta/x", "a"}) {
    ASSERT_TRUE(check_log_name(name).ok()) << name;
    const std::string path = LogDirectory(name).path();
    EXPECT_EQ(path.find('/', 5), std::string::npos);
    EXPECT_EQ(log_of_directory(std::string_view(path).substr(5)), name);
  }
  for (const char* name : {"", "/a", "a/", "a//b", ".", "a/../b", "a b", "a+b", "\xc3\xa4", "a\nb"}) {
    const Status s = check_log_name(name);
    EXPECT_EQ(s.code(), ION_E_INVALID) << name;
  }
  EXPECT_EQ(check_log_name(std::string(201, 'a')).code(), ION_E_INVALID);
  EXPECT_FALSE(log_of_directory(",gone-7").has_value());
  EXPECT_TRUE(is_gone(",gone-7"));
}

TEST(SegmentNames, carry_the_base_in_twenty_digits) {
  const LogDirectory d("p/a/0");
  EXPECT_EQ(d.segment({4711}), "logs/p+a+0/00000000000000004711.log");
  EXPECT_EQ(d.index({INT64_MAX}), "logs/p+a+0/09223372036854775807.index");
  EXPECT_EQ(LogDirectory::segment_of("00000000000000004711.log")->v, 4711);
  EXPECT_EQ(LogDirectory::ahead_of("ahead-12.log"), 12u);
  for (const char* other : {"4711.log", "0000000000000000471x.log", "00000000000000004711.index", "99999999999999999999.log", "meta"})
    EXPECT_FALSE(LogDirectory::segment_of(other).has_value()) << other;
  EXPECT_FALSE(LogDirectory::ahead_of("ahead-.log").has_value());
}

}  // namespace
}  // namespace ion::storage_mmap
