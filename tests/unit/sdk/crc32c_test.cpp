#include <gtest/gtest.h>
#include <ion/crc32c.h>

#include <array>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace ion {
namespace {

std::vector<uint8_t> noise(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint8_t> bytes(n);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
  return bytes;
}

TEST(Crc32c, gives_the_values_of_rfc_3720_b_4) {
  std::vector<uint8_t> bytes(32, 0x00);
  EXPECT_EQ(crc32c::of(bytes), 0x8A9136AAu);
  bytes.assign(32, 0xff);
  EXPECT_EQ(crc32c::of(bytes), 0x62A8AB43u);
  std::iota(bytes.begin(), bytes.end(), 0);
  EXPECT_EQ(crc32c::of(bytes), 0x46DD794Eu);
  std::iota(bytes.rbegin(), bytes.rend(), 0);
  EXPECT_EQ(crc32c::of(bytes), 0x113FDB5Cu);
  EXPECT_EQ(crc32c::of(span_of(std::string_view("123456789"))), 0xE3069283u);
  EXPECT_EQ(crc32c::of({}), 0u);
}

TEST(Crc32c, of_pieces_equals_that_of_the_whole) {
  const uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto bytes = noise(40'000, seed);
  const std::span<const uint8_t> all(bytes);
  for (size_t cut = 0; cut <= bytes.size(); cut += cut < 64 ? 1 : 1777)
    EXPECT_EQ(crc32c::extend(crc32c::of(all.first(cut)), all.subspan(cut)), crc32c::of(all)) << cut;
}

TEST(Crc32c, by_table_equals_by_instruction_at_every_length_and_alignment) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("sse4.2")) GTEST_SKIP() << "this machine has no SSE4.2";
  const uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto bytes = noise(20'000, seed);
  const std::vector<size_t> lengths{0, 1, 7, 8, 9, 63, 383, 384, 385, 767, 768, 1100, 2047, 2048, 6143, 6144, 6145, 6151, 12'288, 12'289, 19'990};
  for (const size_t n : lengths)
    for (size_t at = 0; at < 9; ++at)
      EXPECT_EQ(crc32c::detail::by_table(~0u, bytes.data() + at, n), crc32c::detail::by_sse42(~0u, bytes.data() + at, n)) << n << ' ' << at;
#endif
}

TEST(Crc32c, of_what_follows_may_be_taken_before_what_leads_is_known) {
  const auto bytes = noise(5'000, 11);
  const std::span<const uint8_t> all(bytes);
  for (const size_t lead : {size_t{0}, size_t{1}, size_t{40}, size_t{4'096}, size_t{4'999}, size_t{5'000}}) {
    const uint32_t tail = crc32c::pass(0, all.subspan(lead));
    EXPECT_EQ(~(crc32c::pass_zeros(crc32c::pass(UINT32_MAX, all.first(lead)), all.size() - lead) ^ tail), crc32c::of(all)) << lead;
  }
  const std::vector<uint8_t> zeros(70'000, 0);
  EXPECT_EQ(crc32c::pass_zeros(0x12345678u, zeros.size()), crc32c::pass(0x12345678u, zeros));
}

TEST(Crc32c, of_parts_skips_to_where_it_shall_begin) {
  const uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto bytes = noise(9'000, seed);
  const std::span<const uint8_t> all(bytes);
  const std::array<ion_buf, 4> parts{borrowed(all.first(17)), borrowed({}), borrowed(all.subspan(17, 4'000)), borrowed(all.subspan(4'017))};
  for (const size_t at : {0, 16, 17, 18, 4'016, 4'017, 4'018, 8'999, 9'000})
    EXPECT_EQ(crc32c::of_parts(parts, at), crc32c::of(all.subspan(at))) << at;
}

}  // namespace
}  // namespace ion
