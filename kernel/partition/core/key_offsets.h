// The newest offset of every key of a part of a log, within a bound of memory. A key is kept as 128 bits of SipHash-2-4 under a secret
// of the process: who chooses keys cannot make two of them meet, and by chance two of 2^27 keys do once in 2^75 such parts. Keys in full
// would bound the number of keys by their length. 24 bytes a slot, at most three quarters of the slots taken.
// Pure. Thread: its owner's. Source: Aumasson, Bernstein, "SipHash: a fast short-input PRF" (2012), with the output of 128 bits.
#pragma once
#include <ion/ids.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ion::partition {

struct KeyDigest {
  uint64_t low = 0, high = 0;
  bool operator==(const KeyDigest&) const = default;
};
using KeySecret = std::array<uint64_t, 2>;
KeyDigest digest_of(std::span<const uint8_t> key, const KeySecret& secret) noexcept;

class KeyOffsets {
 public:
  // `bytes_max` is never exceeded, also while it grows; a few slots are always there.
  explicit KeyOffsets(uint64_t bytes_max);

  // False: it is full and knows nothing of this key, and nothing changed. Offsets rise.
  bool put(const KeyDigest& key, Offset offset);
  // The newest offset of this key, if it has one.
  std::optional<Offset> find(const KeyDigest& key) const noexcept;
  size_t size() const noexcept { return size_; }
  uint64_t memory_bytes() const noexcept { return slots_.capacity() * sizeof(Slot); }

 private:
  static constexpr int64_t kFree = -1;
  struct Slot {
    KeyDigest key;
    int64_t offset = kFree;
  };
  size_t place_of(const KeyDigest& key) const noexcept;  // where it is, or where it would be
  bool grow();

  std::vector<Slot> slots_;  // linear probing; a power of two of them
  size_t size_ = 0;
  const size_t slots_max_;
};

}  // namespace ion::partition
