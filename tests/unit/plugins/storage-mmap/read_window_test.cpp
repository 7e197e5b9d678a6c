#include "core/read_window.h"

#include "segment_builder.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

const auto kNoSkip = [](uint64_t at, Offset, uint64_t) { return at; };

TEST(FindWindow, gives_the_batches_from_the_one_that_holds_the_offset) {
  const BuiltSegment s = BuiltSegment().add({"a", "b"}).add({"c"}).add({"d", "e", "f"});
  const auto w = find_window(std::span<const uint8_t>(s.bytes), 0, {{1}, {6}, 10'000}, kNoSkip);
  EXPECT_EQ(w->at, 0u);
  EXPECT_EQ(w->bytes, s.bytes.size());
  EXPECT_EQ(w->next.v, 6);
  const auto middle = find_window(std::span<const uint8_t>(s.bytes), 0, {{2}, {5}, 10'000}, kNoSkip);
  EXPECT_EQ(middle->at, s.positions[1]);
  EXPECT_EQ(middle->base.v, 2);
  EXPECT_EQ(middle->next.v, 3);
}

TEST(FindWindow, a_later_place_that_is_known_spares_the_walk_and_changes_nothing) {
  const BuiltSegment s = BuiltSegment({0}, 100).add_many(30);
  for (uint64_t max = 1; max < s.bytes.size() + 100; max += 37) {
    for (int64_t from = 0; from < s.summary().next.v; from += 5) {
      const ReadBounds bounds{{from}, {from + 31}, max};
      size_t skipped = 0;
      const auto skip = [&](uint64_t at, Offset upto, uint64_t end) {
        uint64_t best = at;
        for (size_t i = 1; i < s.entries.size(); ++i)
          if (s.entries[i].offset <= upto && s.entries[i].position <= end && s.entries[i - 1].position > best) best = s.entries[i - 1].position, ++skipped;
        return best;
      };
      const auto slow = find_window(std::span<const uint8_t>(s.bytes), 0, bounds, kNoSkip);
      const auto quick = find_window(std::span<const uint8_t>(s.bytes), 0, bounds, skip);
      ASSERT_EQ(slow->at, quick->at);
      ASSERT_EQ(slow->bytes, quick->bytes);
      ASSERT_EQ(slow->next, quick->next);
    }
  }
}

TEST(FindWindow, bytes_that_do_not_walk_are_corrupt_and_never_read_beyond) {
  const BuiltSegment s = BuiltSegment().add({"a"}).add({"b"});
  for (const uint64_t byte : {s.positions[1] + 8, s.positions[1] + 16}) {
    std::vector<uint8_t> bytes = s.bytes;
    bytes[byte] ^= 0x40;
    EXPECT_EQ(find_window(std::span<const uint8_t>(bytes), 0, {{1}, {9}, 10}, kNoSkip).error().code(), ION_E_CORRUPT);
  }
  for (size_t n = s.positions[1] + 1; n < s.bytes.size(); ++n)
    EXPECT_FALSE(find_window(std::span<const uint8_t>(s.bytes).first(n), 0, {{1}, {9}, 10}, kNoSkip).has_value());
}

}  // namespace
}  // namespace ion::storage_mmap
