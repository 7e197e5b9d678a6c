// Numbers that must not be mixed up are types. Two bare integers never stand side by side in a signature.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace ion {

struct Offset {  // of a record in a partition, or of an entry in a log; -1: none
  int64_t v = 0;
  auto operator<=>(const Offset&) const = default;
};
constexpr Offset operator+(Offset o, int64_t n) { return {o.v + n}; }
constexpr int64_t operator-(Offset a, Offset b) { return a.v - b.v; }

struct Epoch {  // of a leader
  int32_t v = 0;
  auto operator<=>(const Epoch&) const = default;
};
struct PartitionId {
  int32_t v = 0;
  auto operator<=>(const PartitionId&) const = default;
};
struct NodeId {  // 0: none
  uint64_t v = 0;
  auto operator<=>(const NodeId&) const = default;
};
struct LogId {  // 34 bits, given once per incarnation of a partition
  uint64_t v = 0;
  auto operator<=>(const LogId&) const = default;
};
constexpr uint64_t kLogIdMax = (1ULL << 34) - 1;
struct ProducerId {  // -1: not idempotent
  int64_t v = -1;
  auto operator<=>(const ProducerId&) const = default;
};
struct ProducerEpoch {
  int16_t v = -1;
  auto operator<=>(const ProducerEpoch&) const = default;
};
struct ShardId {
  uint32_t v = 0;
  auto operator<=>(const ShardId&) const = default;
};

struct Uuid {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;

  // RFC 9562 version 4 from 128 random bits.
  static Uuid random(uint64_t hi, uint64_t lo) {
    Uuid u;
    for (int i = 0; i < 8; ++i) {
      u.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(hi >> (56 - 8 * i));
      u.bytes[static_cast<size_t>(8 + i)] = static_cast<uint8_t>(lo >> (56 - 8 * i));
    }
    u.bytes[6] = static_cast<uint8_t>((u.bytes[6] & 0x0f) | 0x40);
    u.bytes[8] = static_cast<uint8_t>((u.bytes[8] & 0x3f) | 0x80);
    return u;
  }
  std::string text() const {  // 8-4-4-4-12
    static constexpr char kHex[] = "0123456789abcdef";
    std::string s;
    s.reserve(36);
    for (size_t i = 0; i < bytes.size(); ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) s += '-';
      s += kHex[bytes[i] >> 4];
      s += kHex[bytes[i] & 15];
    }
    return s;
  }
};

}  // namespace ion

template <>
struct std::hash<ion::Uuid> {
  size_t operator()(const ion::Uuid& u) const noexcept {
    uint64_t a, b;
    std::memcpy(&a, u.bytes.data(), 8);
    std::memcpy(&b, u.bytes.data() + 8, 8);
    return static_cast<size_t>(a ^ (b * 0x9e3779b97f4a7c15ULL));
  }
};
