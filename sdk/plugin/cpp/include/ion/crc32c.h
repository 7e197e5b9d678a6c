// CRC-32C (Castagnoli, reflected 0x82F63B78; RFC 3720 B.4): the checksum of record batches and of our own files.
// extend(0, bytes) of one piece equals extending piece by piece. SSE4.2 where the machine has it, else a table.
#pragma once
#include <ion/bytes.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace ion::crc32c {

namespace detail {
constexpr uint32_t kPolynomial = 0x82F63B78;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) ? (c >> 1) ^ kPolynomial : c >> 1;
    t[i] = c;
  }
  return t;
}
inline constexpr auto kTable = make_table();

// Raw register transition of `n` zero bytes, as four tables: joins lanes that were computed apart (zlib's crc32_combine idea).
struct ZeroJump {
  std::array<std::array<uint32_t, 256>, 4> t{};
};
constexpr uint32_t times(const std::array<uint32_t, 32>& m, uint32_t v) {
  uint32_t sum = 0;
  for (size_t i = 0; v != 0; v >>= 1, ++i)
    if (v & 1) sum ^= m[i];
  return sum;
}
constexpr ZeroJump make_jump(size_t bytes) {
  std::array<uint32_t, 32> odd{}, even{}, op{};
  odd[0] = kPolynomial;  // one zero bit
  for (uint32_t i = 1; i < 32; ++i) odd[i] = 1u << (i - 1);
  for (uint32_t i = 0; i < 32; ++i) op[i] = 1u << i;  // identity
  for (uint64_t bits = bytes * 8; bits != 0; bits >>= 1) {
    if (bits & 1) {
      std::array<uint32_t, 32> next{};
      for (size_t i = 0; i < 32; ++i) next[i] = times(odd, op[i]);
      op = next;
    }
    for (size_t i = 0; i < 32; ++i) even[i] = times(odd, odd[i]);
    odd = even;
  }
  ZeroJump j;
  for (uint32_t k = 0; k < 4; ++k)
    for (uint32_t b = 0; b < 256; ++b) j.t[k][b] = times(op, b << (8 * k));
  return j;
}
constexpr size_t kLane = 2048;
inline constexpr ZeroJump kJump = make_jump(kLane);
inline uint32_t jump(uint32_t c) noexcept {
  return kJump.t[0][c & 255] ^ kJump.t[1][(c >> 8) & 255] ^ kJump.t[2][(c >> 16) & 255] ^ kJump.t[3][c >> 24];
}

inline uint32_t by_table(uint32_t c, const uint8_t* p, size_t n) noexcept {
  while (n-- != 0) c = kTable[(c ^ *p++) & 255] ^ (c >> 8);
  return c;
}
#if defined(__x86_64__)
__attribute__((target("sse4.2"))) inline uint32_t by_sse42(uint32_t c, const uint8_t* p, size_t n) noexcept {
  const auto load = [](const uint8_t* q) {
    uint64_t v;
    std::memcpy(&v, q, 8);
    return v;
  };
  // Three lanes: the instruction has a latency of three cycles and a throughput of one.
  while (n >= 3 * kLane) {
    uint64_t a = c, b = 0, d = 0;
    for (size_t i = 0; i < kLane; i += 8) {
      a = _mm_crc32_u64(a, load(p + i));
      b = _mm_crc32_u64(b, load(p + kLane + i));
      d = _mm_crc32_u64(d, load(p + 2 * kLane + i));
    }
    c = jump(jump(static_cast<uint32_t>(a)) ^ static_cast<uint32_t>(b)) ^ static_cast<uint32_t>(d);
    p += 3 * kLane, n -= 3 * kLane;
  }
  uint64_t a = c;
  for (; n >= 8; p += 8, n -= 8) a = _mm_crc32_u64(a, load(p));
  c = static_cast<uint32_t>(a);
  for (; n != 0; ++p, --n) c = _mm_crc32_u8(c, *p);
  return c;
}
#endif
}  // namespace detail

inline uint32_t extend(uint32_t crc, std::span<const uint8_t> bytes) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~detail::by_sse42(~crc, bytes.data(), bytes.size());
#endif
  return ~detail::by_table(~crc, bytes.data(), bytes.size());
}
inline uint32_t of(std::span<const uint8_t> bytes) noexcept { return extend(0, bytes); }

// Of [at, end) of joined parts.
inline uint32_t of_parts(std::span<const ion_buf> parts, uint64_t at) noexcept {
  uint32_t crc = 0;
  for (const ion_buf& part : parts) {
    if (at >= part.n) {
      at -= part.n;
      continue;
    }
    crc = extend(crc, {part.p + at, part.n - at});
    at = 0;
  }
  return crc;
}

}  // namespace ion::crc32c
