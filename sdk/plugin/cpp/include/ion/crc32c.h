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
// Transitions of 1, 2, 4, ... zero bytes.
using Matrix = std::array<uint32_t, 32>;
constexpr std::array<Matrix, 40> make_powers() {
  Matrix m{};
  m[0] = kPolynomial;  // one zero bit
  for (uint32_t i = 1; i < 32; ++i) m[i] = 1u << (i - 1);
  std::array<Matrix, 40> powers{};
  for (size_t k = 0; k < powers.size() + 3; ++k) {
    if (k >= 3) powers[k - 3] = m;
    Matrix twice{};
    for (size_t i = 0; i < 32; ++i) twice[i] = times(m, m[i]);
    m = twice;
  }
  return powers;
}
inline constexpr auto kPowers = make_powers();

constexpr ZeroJump make_jump(size_t bytes) {
  Matrix op{};
  for (uint32_t i = 0; i < 32; ++i) op[i] = 1u << i;  // identity
  for (size_t k = 0; bytes >> k != 0; ++k)
    if (bytes >> k & 1)
      for (size_t i = 0; i < 32; ++i) op[i] = times(kPowers[k], op[i]);
  ZeroJump j;
  for (uint32_t k = 0; k < 4; ++k)
    for (uint32_t b = 0; b < 256; ++b) j.t[k][b] = times(op, b << (8 * k));
  return j;
}
constexpr size_t kLongLane = 2048, kShortLane = 128;
template <size_t Bytes>
inline constexpr ZeroJump kJump = make_jump(Bytes);
template <size_t Bytes>
inline uint32_t jump(uint32_t c) noexcept {
  constexpr const auto& t = kJump<Bytes>.t;
  return t[0][c & 255] ^ t[1][(c >> 8) & 255] ^ t[2][(c >> 16) & 255] ^ t[3][c >> 24];
}

inline uint32_t by_table(uint32_t c, const uint8_t* p, size_t n) noexcept {
  while (n-- != 0) c = kTable[(c ^ *p++) & 255] ^ (c >> 8);
  return c;
}
#if defined(__x86_64__)
// Three lanes: the instruction has a latency of three cycles and a throughput of one.
template <size_t Lane>
__attribute__((target("sse4.2"), always_inline)) inline uint32_t by_lanes(uint32_t c, const uint8_t*& p, size_t& n) noexcept {
  const auto load = [](const uint8_t* q) {
    uint64_t v;
    std::memcpy(&v, q, 8);
    return v;
  };
  while (n >= 3 * Lane) {
    uint64_t a = c, b = 0, d = 0;
    for (size_t i = 0; i < Lane; i += 8) {
      a = _mm_crc32_u64(a, load(p + i));
      b = _mm_crc32_u64(b, load(p + Lane + i));
      d = _mm_crc32_u64(d, load(p + 2 * Lane + i));
    }
    c = jump<Lane>(jump<Lane>(static_cast<uint32_t>(a)) ^ static_cast<uint32_t>(b)) ^ static_cast<uint32_t>(d);
    p += 3 * Lane, n -= 3 * Lane;
  }
  return c;
}
__attribute__((target("sse4.2"))) inline uint32_t by_sse42(uint32_t c, const uint8_t* p, size_t n) noexcept {
  c = by_lanes<kLongLane>(c, p, n);
  c = by_lanes<kShortLane>(c, p, n);
  uint64_t a = c;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    a = _mm_crc32_u64(a, v);
  }
  c = static_cast<uint32_t>(a);
  for (; n != 0; ++p, --n) c = _mm_crc32_u8(c, *p);
  return c;
}
#endif
}  // namespace detail

// The register without the inversions at both ends. It is linear: pass(r, AB) = pass_zeros(pass(r, A), |B|) ^ pass(0, B), so that a
// part may be summed up before what stands in front of it is known.
inline uint32_t pass(uint32_t reg, std::span<const uint8_t> bytes) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return detail::by_sse42(reg, bytes.data(), bytes.size());
#endif
  return detail::by_table(reg, bytes.data(), bytes.size());
}
// At most 2^40 - 1 zero bytes. About 20 ns for each bit that is set in their number.
constexpr uint32_t pass_zeros(uint32_t reg, uint64_t bytes) noexcept {
  for (size_t k = 0; k < detail::kPowers.size() && bytes >> k != 0; ++k)
    if (bytes >> k & 1) reg = detail::times(detail::kPowers[k], reg);
  return reg;
}

inline uint32_t extend(uint32_t crc, std::span<const uint8_t> bytes) noexcept { return ~pass(~crc, bytes); }
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
