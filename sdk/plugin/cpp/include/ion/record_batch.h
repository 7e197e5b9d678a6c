// Apache Kafka's RecordBatch v2 (magic 2), byte for byte: the one form of records on disk, on the wire and in memory. Big-endian:
//   base offset 8 | length 4 | leader epoch 4 | magic 1 | crc 4 | attributes 2 | last offset delta 4 | base time 8 | max time 8 |
//   producer id 8 | producer epoch 2 | base sequence 4 | count 4 | records
// CRC-32C covers everything from the attributes on, so base offset and leader epoch may be patched without a second pass.
// Source: kafka.apache.org/documentation, "Message format". Writing and reading of records: record_writer.h, record_reader.h.
#pragma once
#include <ion/bytes.h>
#include <ion/crc32c.h>
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <span>
#include <string>

namespace ion::batch {

inline constexpr uint64_t kHeaderBytes = 61;
inline constexpr uint64_t kPrefixBytes = 16;     // base offset, length, leader epoch: what a broker patches
inline constexpr uint64_t kLengthEnd = 12;       // `length` counts from here
inline constexpr uint64_t kCrcAt = 17;
inline constexpr uint64_t kCrcFrom = 21;         // first byte under the checksum
inline constexpr int8_t kMagic = 2;

inline constexpr WallMs kNoTime{-1};                    // of a record whose producer gave none
inline constexpr WallMs kTimeEnd{int64_t{1} << 48};     // times of records are below it

inline constexpr uint16_t kCodecMask = 0x07;     // 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd
inline constexpr uint16_t kLogAppendTime = 0x08;
inline constexpr uint16_t kTransactional = 0x10;
inline constexpr uint16_t kControl = 0x20;
inline constexpr uint16_t kKnownAttributes = 0x7f;

template <class T>
T load_big(const uint8_t* p) noexcept {
  std::make_unsigned_t<T> v = 0;
  for (size_t i = 0; i < sizeof(T); ++i) v = static_cast<std::make_unsigned_t<T>>((v << 8) | p[i]);
  return static_cast<T>(v);
}
template <>
inline int8_t load_big<int8_t>(const uint8_t* p) noexcept { return static_cast<int8_t>(*p); }
template <class T>
void store_big(uint8_t* p, T value) noexcept {
  auto v = static_cast<std::make_unsigned_t<T>>(value);
  for (size_t i = sizeof(T); i-- > 0;) {
    p[i] = static_cast<uint8_t>(v);
    if constexpr (sizeof(T) > 1) v = static_cast<std::make_unsigned_t<T>>(v >> 8);
  }
}

struct Header {
  Offset base_offset;
  int32_t length = 0;  // bytes behind the length field
  Epoch leader_epoch;
  int8_t magic = kMagic;
  uint32_t crc = 0;
  uint16_t attributes = 0;
  int32_t last_offset_delta = 0;
  WallMs base_time, max_time;
  ProducerId producer;
  ProducerEpoch producer_epoch;
  int32_t base_sequence = -1;
  int32_t count = 0;

  uint64_t total_bytes() const noexcept { return kLengthEnd + static_cast<uint64_t>(length); }
  Offset next_offset() const noexcept { return base_offset + (int64_t{last_offset_delta} + 1); }
  bool idempotent() const noexcept { return producer.v >= 0; }
  int codec() const noexcept { return attributes & kCodecMask; }
};

// The caller has 61 bytes at `p`. Nothing is judged.
inline Header read_header(const uint8_t* p) noexcept {
  Header h;
  h.base_offset = {load_big<int64_t>(p)};
  h.length = load_big<int32_t>(p + 8);
  h.leader_epoch = {load_big<int32_t>(p + 12)};
  h.magic = load_big<int8_t>(p + 16);
  h.crc = load_big<uint32_t>(p + 17);
  h.attributes = load_big<uint16_t>(p + 21);
  h.last_offset_delta = load_big<int32_t>(p + 23);
  h.base_time = {load_big<int64_t>(p + 27)};
  h.max_time = {load_big<int64_t>(p + 35)};
  h.producer = {load_big<int64_t>(p + 43)};
  h.producer_epoch = {load_big<int16_t>(p + 51)};
  h.base_sequence = load_big<int32_t>(p + 53);
  h.count = load_big<int32_t>(p + 57);
  return h;
}
inline void write_header(uint8_t* p, const Header& h) noexcept {
  store_big<int64_t>(p, h.base_offset.v);
  store_big<int32_t>(p + 8, h.length);
  store_big<int32_t>(p + 12, h.leader_epoch.v);
  p[16] = static_cast<uint8_t>(h.magic);
  store_big<uint32_t>(p + 17, h.crc);
  store_big<uint16_t>(p + 21, h.attributes);
  store_big<int32_t>(p + 23, h.last_offset_delta);
  store_big<int64_t>(p + 27, h.base_time.ms);
  store_big<int64_t>(p + 35, h.max_time.ms);
  store_big<int64_t>(p + 43, h.producer.v);
  store_big<int16_t>(p + 51, h.producer_epoch.v);
  store_big<int32_t>(p + 53, h.base_sequence);
  store_big<int32_t>(p + 57, h.count);
}
// The patched prefix that a broker puts before the untouched rest.
inline void write_prefix(uint8_t* p, Offset base, int32_t length, Epoch epoch) noexcept {
  store_big<int64_t>(p, base.v);
  store_big<int32_t>(p + 8, length);
  store_big<int32_t>(p + 12, epoch.v);
}

inline constexpr int32_t kCompressedRecordsMax = 1 << 20;  // of one compressed batch, whose size bounds nothing

enum class From { kClient, kBroker };  // only brokers write control and transactional batches

// What a batch must be to be believed, one pass over the bytes. `parts` hold exactly one batch.
// Of the records only the number is judged: the rest is prove_records (record_proof.h).
// Errors: INVALID with reason CORRUPT_BATCH, INVALID_TIMESTAMP or RECORD_TOO_LARGE: what was wanted, what was there.
inline Result<Header> check(std::span<const ion_buf> parts, uint64_t bytes_max, From from) {
  const auto corrupt = [](std::string words) { return Status(ION_E_INVALID, std::move(words), "CORRUPT_BATCH"); };
  const uint64_t have = bytes_in(parts);
  if (have < kHeaderBytes) return corrupt("record batch: want at least 61 bytes, have " + std::to_string(have));
  uint8_t raw[kHeaderBytes];
  copy_out(parts, 0, kHeaderBytes, raw);
  const Header h = read_header(raw);
  if (h.magic != kMagic) return corrupt("record batch: want magic 2, have " + std::to_string(h.magic));
  if (h.length < static_cast<int32_t>(kHeaderBytes - kLengthEnd) || h.total_bytes() != have)
    return corrupt("record batch: its length field says " + std::to_string(int64_t{h.length} + 12) + " bytes, have " + std::to_string(have));
  if (have > bytes_max)
    return Status(ION_E_INVALID, "record batch of " + std::to_string(have) + " bytes, at most " + std::to_string(bytes_max) + " are taken",
                  "RECORD_TOO_LARGE");
  const uint32_t crc = crc32c::of_parts(parts, kCrcFrom);
  if (crc != h.crc) return corrupt("record batch: checksum is " + std::to_string(crc) + ", its header says " + std::to_string(h.crc));
  if (h.count < 1 || h.last_offset_delta != h.count - 1)
    return corrupt("record batch: count " + std::to_string(h.count) + " and last offset delta " + std::to_string(h.last_offset_delta) +
                   " do not fit together");
  constexpr uint64_t kSmallestRecord = 7;
  if (h.codec() != 0 && h.count > kCompressedRecordsMax)
    return Status(ION_E_INVALID, "compressed record batch of " + std::to_string(h.count) + " records, at most " + std::to_string(kCompressedRecordsMax) + " are taken",
                  "RECORD_TOO_LARGE");
  if (h.codec() == 0 && static_cast<uint64_t>(h.count) > (have - kHeaderBytes) / kSmallestRecord)
    return corrupt("record batch: " + std::to_string(h.count) + " records do not fit into " + std::to_string(have) + " bytes");
  if (h.codec() > 4 || (h.attributes & ~kKnownAttributes) != 0) return corrupt("record batch: unknown attributes " + std::to_string(h.attributes));
  if (from == From::kClient && (h.attributes & (kControl | kTransactional | kLogAppendTime)) != 0)
    return corrupt("record batch: control, transactional and append-time bits are the broker's");
  const bool no_time = h.base_time == kNoTime && h.max_time == kNoTime;
  if (!no_time && (h.base_time.ms < 0 || h.base_time > h.max_time || h.max_time >= kTimeEnd))
    return Status(ION_E_INVALID, "record batch: want timestamps of 0 to 2^48 - 1 milliseconds (or -1 and -1: none) and the base at most the maximum, have base " +
                                     std::to_string(h.base_time.ms) + " and maximum " + std::to_string(h.max_time.ms),
                  "INVALID_TIMESTAMP");
  if (h.idempotent() && (h.base_sequence < 0 || h.producer_epoch.v < 0))
    return corrupt("record batch: producer " + std::to_string(h.producer.v) + " without epoch and sequence");
  return h;
}

// Sequences run from 0 to 2^31 - 1 and around.
constexpr int32_t advance_sequence(int32_t sequence, int32_t by) noexcept {
  return static_cast<int32_t>((static_cast<uint32_t>(sequence) + static_cast<uint32_t>(by)) & 0x7fffffffu);
}

}  // namespace ion::batch
