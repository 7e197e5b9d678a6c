// Builds one RecordBatch v2 in place, in its final bytes: records are appended, finish() writes the header and the checksum once.
// Not for several threads. Source of the record layout: kafka.apache.org/documentation, "Record".
#pragma once
#include <ion/record_batch.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ion::batch {

struct RecordHeader {
  std::string_view key;                           // UTF-8
  std::optional<std::span<const uint8_t>> value;  // absent: null
};
struct NewRecord {
  std::optional<std::span<const uint8_t>> key, value;  // absent: null (a null value is a tombstone)
  WallMs time;
  std::span<const RecordHeader> headers;
};
struct Identity {  // of an idempotent producer
  ProducerId producer;
  ProducerEpoch epoch;
  int32_t base_sequence = -1;
};

constexpr uint64_t zigzag(int64_t v) noexcept { return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63); }
constexpr size_t varint_bytes(int64_t value) noexcept {
  size_t n = 1;
  for (uint64_t v = zigzag(value); v >= 0x80; v >>= 7) ++n;
  return n;
}

class RecordWriter {
 public:
  explicit RecordWriter(size_t reserve = 0) {
    bytes_.reserve(kHeaderBytes + reserve);
    bytes_.resize(kHeaderBytes);
  }

  // Upper bound of what a record of these sizes adds, for deciding before appending.
  static uint64_t bytes_for(const NewRecord& r) noexcept { return body_bytes(r, INT32_MAX, INT64_MAX / 4) + 5; }

  void append(const NewRecord& r) {
    if (count_ == 0) base_time_ = r.time, max_time_ = r.time;
    if (r.time > max_time_) max_time_ = r.time;
    const size_t from = bytes_.size();
    const int64_t time_delta = r.time.ms - base_time_.ms;
    Varints v;
    v.put(static_cast<int64_t>(body_bytes(r, count_, time_delta)));
    v.at[v.n++] = 0;  // attributes, unused
    v.put(time_delta);
    v.put(count_);
    put_field(v, r.key);
    put_field(v, r.value);
    v.put(static_cast<int64_t>(r.headers.size()));
    for (const RecordHeader& h : r.headers) {
      v.put(static_cast<int64_t>(h.key.size()));
      put_raw(v, span_of(h.key));
      put_field(v, h.value);
    }
    put_raw(v, {});
    ++count_;
    records_ = crc32c::pass(records_, std::span<const uint8_t>(bytes_).subspan(from));  // while it is in the cache
  }

  int32_t count() const noexcept { return count_; }
  uint64_t bytes() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return count_ == 0; }

  // The finished batch with base offset 0; the writer is empty afterwards. At least one record. A record older than the first
  // makes base time the least: Kafka keeps the first record's time as base and lets deltas be negative, and so do we; but
  // base <= max holds always, since max starts at base.
  std::vector<uint8_t> finish(const Identity& who = {}, uint16_t attributes = 0) {
    ION_ASSERT(count_ > 0);
    Header h;
    h.length = static_cast<int32_t>(bytes_.size() - kLengthEnd);
    h.leader_epoch = {-1};
    h.attributes = attributes;
    h.last_offset_delta = count_ - 1;
    h.base_time = base_time_, h.max_time = max_time_;
    h.producer = who.producer, h.producer_epoch = who.epoch, h.base_sequence = who.base_sequence;
    h.count = count_;
    return close(h);
  }

 private:
  std::vector<uint8_t> close(const Header& h) {
    write_header(bytes_.data(), h);
    const uint32_t head = crc32c::pass(UINT32_MAX, std::span<const uint8_t>(bytes_).subspan(kCrcFrom, kHeaderBytes - kCrcFrom));
    store_big<uint32_t>(bytes_.data() + kCrcAt, ~(crc32c::pass_zeros(head, bytes_.size() - kHeaderBytes) ^ records_));
    std::vector<uint8_t> done = std::move(bytes_);
    bytes_.assign(kHeaderBytes, 0);
    count_ = 0, records_ = 0;
    return done;
  }
  static uint64_t field_bytes(const std::optional<std::span<const uint8_t>>& f) noexcept {
    return f ? varint_bytes(static_cast<int64_t>(f->size())) + f->size() : 1;
  }
  static uint64_t body_bytes(const NewRecord& r, int32_t offset_delta, int64_t time_delta) noexcept {
    uint64_t n = 1 + varint_bytes(time_delta) + varint_bytes(offset_delta) + field_bytes(r.key) + field_bytes(r.value) +
                 varint_bytes(static_cast<int64_t>(r.headers.size()));
    for (const RecordHeader& h : r.headers) n += varint_bytes(static_cast<int64_t>(h.key.size())) + h.key.size() + field_bytes(h.value);
    return n;
  }
  // What stands between two pieces of payload: put into the batch together with the next one. At most five integers and a byte.
  struct Varints {
    std::array<uint8_t, 64> at;
    size_t n = 0;
    void put(int64_t value) noexcept {
      uint64_t v = zigzag(value);
      for (; v >= 0x80; v >>= 7) at[n++] = static_cast<uint8_t>(v | 0x80);
      at[n++] = static_cast<uint8_t>(v);
    }
  };
  void put_raw(Varints& before, std::span<const uint8_t> b) {
    bytes_.insert(bytes_.end(), before.at.begin(), before.at.begin() + static_cast<std::ptrdiff_t>(before.n));
    bytes_.insert(bytes_.end(), b.begin(), b.end());
    before.n = 0;
  }
  void put_field(Varints& before, const std::optional<std::span<const uint8_t>>& f) {
    before.put(f ? static_cast<int64_t>(f->size()) : -1);
    if (f) put_raw(before, *f);
  }

  std::vector<uint8_t> bytes_;
  int32_t count_ = 0;
  uint32_t records_ = 0;  // the register of the checksum over the records alone
  WallMs base_time_, max_time_;
};

}  // namespace ion::batch
