#include "partition/core/key_offsets.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace ion::partition {

namespace {
constexpr size_t kLeastSlots = 64;

struct Sip {
  uint64_t v0, v1, v2, v3;
  void round() noexcept {
    v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
    v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
    v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
  }
  void take(uint64_t word) noexcept {
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
  uint64_t half() noexcept {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

uint64_t little(const uint8_t* p, size_t n) noexcept {
  uint64_t word = 0;
  std::memcpy(&word, p, n);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}
}  // namespace

KeyDigest digest_of(std::span<const uint8_t> key, const KeySecret& secret) noexcept {
  Sip s{secret[0] ^ 0x736f6d6570736575ULL, secret[1] ^ 0x646f72616e646f6dULL ^ 0xee, secret[0] ^ 0x6c7967656e657261ULL, secret[1] ^ 0x7465646279746573ULL};
  const uint8_t* p = key.data();
  size_t left = key.size();
  for (; left >= 8; p += 8, left -= 8) s.take(little(p, 8));
  s.take((left == 0 ? 0 : little(p, left)) | static_cast<uint64_t>(key.size() & 0xff) << 56);
  s.v2 ^= 0xee;
  KeyDigest digest;
  digest.low = s.half();
  s.v1 ^= 0xdd;
  digest.high = s.half();
  return digest;
}

// While it grows both tables are there: the last one may take two thirds.
KeyOffsets::KeyOffsets(uint64_t bytes_max) : slots_max_(std::max(kLeastSlots, std::bit_floor(static_cast<size_t>(bytes_max / sizeof(Slot) * 2 / 3)))) {}

size_t KeyOffsets::place_of(const KeyDigest& key) const noexcept {
  size_t i = key.low & (slots_.size() - 1);
  while (slots_[i].offset != kFree && slots_[i].key != key) i = (i + 1) & (slots_.size() - 1);
  return i;
}

std::optional<Offset> KeyOffsets::find(const KeyDigest& key) const noexcept {
  if (size_ == 0) return std::nullopt;
  const Slot& slot = slots_[place_of(key)];
  return slot.offset == kFree ? std::nullopt : std::optional<Offset>(Offset{slot.offset});
}

bool KeyOffsets::put(const KeyDigest& key, Offset offset) {
  if (slots_.empty()) slots_.resize(std::min(kLeastSlots, slots_max_));
  size_t at = place_of(key);
  if (slots_[at].offset == kFree) {
    if ((size_ + 1) * 4 > slots_.size() * 3) {
      if (!grow()) return false;
      at = place_of(key);
    }
    slots_[at].key = key;
    ++size_;
  }
  slots_[at].offset = offset.v;
  return true;
}

bool KeyOffsets::grow() {
  if (slots_.size() >= slots_max_) return false;
  const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : before)
    if (slot.offset != kFree) slots_[place_of(slot.key)] = slot;
  return true;
}

}  // namespace ion::partition
