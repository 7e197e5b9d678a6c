// Key to partition as Kafka's default partitioner does it, so that producers of both worlds agree, in every client and in the router
// plugin: murmur2 of the key with Kafka's seed, sign bit off, modulo. Source: org.apache.kafka.common.utils.Utils, MurmurHash2
// (Austin Appleby, public domain). Pure.
#pragma once
#include <ion/assert.h>
#include <ion/ids.h>

#include <cstdint>
#include <string_view>

namespace ion {

constexpr int32_t murmur2(std::string_view key) noexcept {
  constexpr uint32_t kSeed = 0x9747b28c, kMix = 0x5bd1e995;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(key[i])); };
  uint32_t hash = kSeed ^ static_cast<uint32_t>(key.size());
  size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= kMix;
    word ^= word >> 24;
    word *= kMix;
    hash = hash * kMix ^ word;
  }
  const size_t left = key.size() - at;
  if (left > 2) hash ^= byte(at + 2) << 16;
  if (left > 1) hash ^= byte(at + 1) << 8;
  if (left > 0) hash = (hash ^ byte(at)) * kMix;
  hash ^= hash >> 13;
  hash *= kMix;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash);
}

constexpr PartitionId partition_of_key(std::string_view key, uint32_t partitions) noexcept {
  ION_ASSERT(partitions > 0);
  return {static_cast<int32_t>((static_cast<uint32_t>(murmur2(key)) & 0x7fffffffu) % partitions)};
}

}  // namespace ion
