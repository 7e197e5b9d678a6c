// Key to partition as Kafka's default partitioner does it, so that producers of both worlds agree: murmur2 of the key with
// Kafka's seed, sign bit off, modulo. Source: org.apache.kafka.common.utils.Utils, MurmurHash2 (Austin Appleby, public domain).
// Pure.
#pragma once
#include <ion/assert.h>

#include <cstdint>
#include <span>

namespace ion::partition_router {

constexpr uint32_t kKafkaSeed = 0x9747b28c;

constexpr uint32_t murmur2(std::span<const uint8_t> data, uint32_t seed = kKafkaSeed) noexcept {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  uint32_t h = seed ^ static_cast<uint32_t>(data.size());
  size_t at = 0;
  for (; at + 4 <= data.size(); at += 4) {
    uint32_t k = static_cast<uint32_t>(data[at]) | static_cast<uint32_t>(data[at + 1]) << 8 | static_cast<uint32_t>(data[at + 2]) << 16 |
                 static_cast<uint32_t>(data[at + 3]) << 24;
    k *= kMultiplier;
    k ^= k >> 24;
    k *= kMultiplier;
    h = h * kMultiplier ^ k;
  }
  const size_t left = data.size() - at;
  if (left >= 3) h ^= static_cast<uint32_t>(data[at + 2]) << 16;
  if (left >= 2) h ^= static_cast<uint32_t>(data[at + 1]) << 8;
  if (left >= 1) h = (h ^ data[at]) * kMultiplier;
  h ^= h >> 13;
  h *= kMultiplier;
  return h ^ h >> 15;
}

inline uint32_t key_partition(std::span<const uint8_t> key, uint32_t partitions) {
  ION_ASSERT(partitions > 0);
  return (murmur2(key) & 0x7fffffffu) % partitions;
}

}  // namespace ion::partition_router
