// Batches for tests: real RecordBatch v2 bytes with as few words as possible.
//   TestBatch b = make_batch(Offset{10}, {"one", "two"});      log.append(op, {&b.raw, 1})
#pragma once
#include <ion/abi/contract/storage.h>
#include <ion/crc32c.h>
#include <ion/record_writer.h>

#include <memory>
#include <string>
#include <vector>

namespace ion::test {

// One batch in its final bytes and its descriptor. The descriptor points into it: move it, do not copy.
struct TestBatch {
  std::vector<uint8_t> bytes;
  std::unique_ptr<ion_buf> part = std::make_unique<ion_buf>();
  ion_batch raw{};
};

struct BatchOptions {
  Epoch epoch{0};
  WallMs time{1'000};
};

inline TestBatch make_batch(Offset base, const std::vector<std::string>& values, const BatchOptions& options = {}) {
  batch::RecordWriter writer;
  for (const std::string& v : values) writer.append({std::nullopt, span_of(v), options.time, {}});
  TestBatch b;
  b.bytes = writer.finish();
  batch::write_prefix(b.bytes.data(), base, batch::read_header(b.bytes.data()).length, options.epoch);
  *b.part = borrowed(b.bytes);
  b.raw = {base.v, base.v + static_cast<int64_t>(values.size()), options.time.ms, options.epoch.v, 1, b.part.get()};
  return b;
}

// The value of the one record of make_batch_of: a letter, as often as it takes to make the batch exactly so large.
inline std::string value_of_batch_of(uint64_t bytes, uint8_t fill);

// One record whose value makes the batch exactly so large; at least 75 bytes.
inline TestBatch make_batch_of(Offset base, uint64_t bytes, uint8_t fill = 'x', const BatchOptions& options = {}) {
  return make_batch(base, {value_of_batch_of(bytes, fill)}, options);
}

inline std::string value_of_batch_of(uint64_t bytes, uint8_t fill) {
  std::string value(bytes > 75 ? bytes - 75 : 0, static_cast<char>(fill));
  for (;;) {
    const size_t made = make_batch({0}, {value}).bytes.size();
    if (made == bytes || value.empty()) return value;
    if (made > bytes) value.resize(value.size() - std::min<size_t>(value.size(), made - bytes));
    else value.resize(value.size() + (bytes - made), static_cast<char>(fill));
  }
}

// What a batch becomes when none of its records is kept.
inline TestBatch make_batch_without_records(Offset base, size_t offsets, WallMs time, Epoch epoch = {0}) {
  TestBatch b = make_batch(base, std::vector<std::string>(offsets, "gone"), {epoch, time});
  b.bytes.resize(batch::kHeaderBytes);
  batch::store_big<int32_t>(b.bytes.data() + 8, static_cast<int32_t>(batch::kHeaderBytes - 12));
  batch::store_big<int32_t>(b.bytes.data() + 57, 0);
  batch::store_big<uint32_t>(b.bytes.data() + batch::kCrcAt, crc32c::of(std::span<const uint8_t>(b.bytes).subspan(batch::kCrcFrom)));
  *b.part = borrowed(b.bytes);
  return b;
}

}  // namespace ion::test
