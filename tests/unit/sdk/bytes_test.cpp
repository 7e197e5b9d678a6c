#include <gtest/gtest.h>
#include <ion/bytes.h>

#include <array>
#include <string>

#include "unit/sdk/asked.h"

namespace ion {
namespace {

using test::CountedBytes;

TEST(Buf, gives_its_reference_back_once) {
  CountedBytes bytes("abc");
  {
    Buf first = bytes.lend();
    Buf moved = std::move(first);
    EXPECT_EQ(bytes.references(), 1);
    Buf second = moved.clone();
    EXPECT_EQ(bytes.references(), 2);
    second = std::move(moved);
    EXPECT_EQ(bytes.references(), 1);
    EXPECT_EQ(second.text(), "abc");
  }
  EXPECT_EQ(bytes.references(), 0);
}

TEST(Buf, a_slice_is_another_reference_to_a_part) {
  CountedBytes bytes("abcdef");
  Buf whole = bytes.lend();
  Buf part = whole.slice(2, 3);
  whole.reset();
  EXPECT_EQ(part.text(), "cde");
  EXPECT_EQ(bytes.references(), 1);
  part.trim_to(1);
  EXPECT_EQ(part.text(), "c");
  part.reset();
  EXPECT_EQ(bytes.references(), 0);
}

TEST(Buf, released_it_is_lent_to_whoever_gets_it) {
  CountedBytes bytes("abc");
  Buf mine = bytes.lend();
  const ion_buf lent = mine.release();
  EXPECT_TRUE(mine.empty());
  EXPECT_EQ(bytes.references(), 1);
  (void)Buf::adopt(lent);
  EXPECT_EQ(bytes.references(), 0);
}

TEST(Buf, to_share_counted_bytes_retains_and_plain_bytes_copies) {
  CountedBytes bytes("abc");
  const Buf owner = bytes.lend();
  EXPECT_EQ(Buf::share(owner.raw()).data(), owner.data());
  std::string plain = "plain";
  const Buf kept = Buf::share(borrowed(span_of(plain)));
  plain = "XXXXX";
  EXPECT_EQ(kept.text(), "plain");
  EXPECT_EQ(bytes.references(), 1);
}

TEST(Buf, allocated_memory_is_written_then_shared) {
  uint8_t* to = nullptr;
  Buf made = Buf::allocate(3, &to);
  std::memcpy(to, "xyz", 3);
  const Buf other = made.clone();
  made.reset();
  EXPECT_EQ(other.text(), "xyz");
  EXPECT_TRUE(Buf::copy({}).empty());
  EXPECT_TRUE(Buf().clone().empty());
}

TEST(Bytes, of_joined_parts_are_counted_and_copied_across_the_joints) {
  const std::array<std::string_view, 4> texts{"ab", "", "cde", "f"};
  std::array<ion_buf, 4> parts;
  for (size_t i = 0; i < parts.size(); ++i) parts[i] = borrowed(span_of(texts[i]));
  EXPECT_EQ(bytes_in(parts), 6u);
  const std::string joined = "abcdef";
  for (uint64_t at = 0; at <= joined.size(); ++at)
    for (uint64_t n = 0; at + n <= joined.size(); ++n) {
      std::string got(n, '?');
      copy_out(parts, at, n, reinterpret_cast<uint8_t*>(got.data()));
      EXPECT_EQ(got, joined.substr(at, n)) << at << ' ' << n;
    }
}

}  // namespace
}  // namespace ion
