// The records of one stored batch without compression, as far as compaction looks at them: where each begins and ends, its key, whether
// it is a tombstone. Foreign bytes cannot make it read outside. Views point into the batch. Pure. Not for several threads.
#pragma once
#include <ion/record_proof.h>
#include <ion/record_writer.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ion::partition {

struct StoredRecord {
  std::span<const uint8_t> encoded;     // the whole record, its length in front
  std::span<const uint8_t> fields;      // key, value and headers
  int64_t time_delta = 0;
  int32_t offset_delta = 0;
  uint8_t attributes = 0;
  bool tombstone = false;               // its value is null
  std::optional<std::span<const uint8_t>> key;
};

class StoredRecords {
 public:
  explicit StoredRecords(std::span<const uint8_t> batch) noexcept : header_(batch::read_header(batch.data())), at_(batch.data() + batch::kHeaderBytes), end_(batch.data() + batch.size()) {}

  // The next record, valid until the next call; null behind the last one, or where the bytes do not hold what they promise.
  const StoredRecord* next() noexcept {
    if (seen_ == header_.count || broken_) return nullptr;
    batch::detail::FlatBytes frame(at_, static_cast<uint64_t>(end_ - at_));
    int64_t bytes = 0;
    if (!batch::detail::take_varint(frame, 5, bytes) || bytes < 0 || static_cast<uint64_t>(bytes) > frame.left()) return fail();
    const uint8_t* const record_end = end_ - frame.left() + bytes;
    batch::detail::FlatBytes body(end_ - frame.left(), static_cast<uint64_t>(bytes));
    int64_t offset_delta = 0, key = 0, value = 0;
    if (!body.take_byte(record_.attributes) || !batch::detail::take_varint(body, 10, record_.time_delta)) return fail();
    if (!batch::detail::take_varint(body, 5, offset_delta) || offset_delta <= last_delta_ || offset_delta > header_.last_offset_delta) return fail();
    record_.fields = {record_end - body.left(), record_end};
    if (!batch::detail::take_varint(body, 5, key) || key < -1 || key > static_cast<int64_t>(body.left())) return fail();
    record_.key.reset();
    if (key >= 0) {
      record_.key.emplace(record_end - body.left(), static_cast<size_t>(key));
      body.skip(static_cast<uint64_t>(key));
    }
    if (!batch::detail::take_varint(body, 5, value) || value < -1 || value > static_cast<int64_t>(body.left())) return fail();
    record_.tombstone = value < 0;
    record_.offset_delta = static_cast<int32_t>(offset_delta);
    record_.encoded = {at_, record_end};
    last_delta_ = offset_delta;
    at_ = record_end;
    ++seen_;
    return &record_;
  }
  // Every record that the header promises was there, and nothing behind them.
  bool whole() const noexcept { return !broken_ && seen_ == header_.count && at_ == end_; }

 private:
  const StoredRecord* fail() noexcept {
    broken_ = true;
    return nullptr;
  }
  const batch::Header header_;
  const uint8_t *at_, *const end_;
  StoredRecord record_;
  int64_t last_delta_ = -1;
  int32_t seen_ = 0;
  bool broken_ = false;
};

// The record with another time delta.
inline void append_with(const StoredRecord& r, int64_t time_delta, std::vector<uint8_t>& to) {
  const auto put = [&to](int64_t value) {
    uint64_t v = batch::zigzag(value);
    for (; v >= 0x80; v >>= 7) to.push_back(static_cast<uint8_t>(v | 0x80));
    to.push_back(static_cast<uint8_t>(v));
  };
  put(static_cast<int64_t>(1 + batch::varint_bytes(time_delta) + batch::varint_bytes(r.offset_delta) + r.fields.size()));
  to.push_back(r.attributes);
  put(time_delta);
  put(r.offset_delta);
  to.insert(to.end(), r.fields.begin(), r.fields.end());
}

}  // namespace ion::partition
