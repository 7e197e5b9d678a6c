// Walks the records of one uncompressed RecordBatch v2. Every length is checked against what is there: foreign bytes cannot
// make it read outside. Views point into the batch. Not for several threads.
#pragma once
#include <ion/record_batch.h>

#include <optional>
#include <span>
#include <string_view>

namespace ion::batch {

struct Record {
  Offset offset;
  WallMs time;
  std::optional<std::span<const uint8_t>> key, value;
  std::span<const uint8_t> headers;  // encoded; walk with HeaderReader
  int32_t header_count = 0;
};

namespace detail {
// A cursor over foreign bytes. After a failure `ok` stays false.
struct Cursor {
  std::span<const uint8_t> left;
  bool ok = true;

  int64_t varint() noexcept {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (left.empty()) break;
      const uint8_t b = left[0];
      left = left.subspan(1);
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
    }
    ok = false;
    return 0;
  }
  std::span<const uint8_t> take(int64_t n) noexcept {
    if (n < 0 || static_cast<uint64_t>(n) > left.size()) return ok = false, std::span<const uint8_t>();
    const auto part = left.first(static_cast<size_t>(n));
    left = left.subspan(static_cast<size_t>(n));
    return part;
  }
  std::optional<std::span<const uint8_t>> field() noexcept {
    const int64_t n = varint();
    if (n == -1) return std::nullopt;
    return take(n);
  }
};
}  // namespace detail

class HeaderReader {
 public:
  explicit HeaderReader(const Record& r) : cursor_{r.headers}, left_(r.header_count) {}
  struct Item {
    std::string_view key;
    std::optional<std::span<const uint8_t>> value;
  };
  std::optional<Item> next() noexcept {
    if (left_ <= 0) return std::nullopt;
    --left_;
    Item item;
    item.key = text_of(cursor_.take(cursor_.varint()));
    item.value = cursor_.field();
    return cursor_.ok ? std::optional<Item>(item) : std::nullopt;
  }

 private:
  detail::Cursor cursor_;
  int32_t left_;
};

class RecordReader {
 public:
  // `batch` is one whole batch whose header fits its bytes (batch::check, or stored by us). Compressed: UNSUPPORTED here.
  static Result<RecordReader> open(std::span<const uint8_t> batch) {
    if (batch.size() < kHeaderBytes) return Status(ION_E_CORRUPT, "record batch: want at least 61 bytes, have " + std::to_string(batch.size()));
    const Header h = read_header(batch.data());
    if (h.length < static_cast<int32_t>(kHeaderBytes - kLengthEnd) || h.total_bytes() > batch.size())
      return Status(ION_E_CORRUPT, "record batch: its header says " + std::to_string(int64_t{h.length} + 12) + " bytes, have " + std::to_string(batch.size()));
    if (h.codec() != 0) return Status(ION_E_UNSUPPORTED, "record batch: compression codec " + std::to_string(h.codec()) + ": it is read when it is opened (codecs/batches.h)");
    return RecordReader(h, batch.subspan(kHeaderBytes, h.total_bytes() - kHeaderBytes));
  }

  const Header& header() const noexcept { return header_; }

  // The next record; nothing at the end; CORRUPT where the bytes do not hold what they promise.
  Result<std::optional<Record>> next() {
    if (seen_ == header_.count) return std::optional<Record>();
    const int64_t n = cursor_.varint();
    detail::Cursor body{cursor_.take(n)};
    if (!cursor_.ok) return bad("its length");
    (void)body.take(1);
    Record r;
    const int64_t time_delta = body.varint(), offset_delta = body.varint();
    if (offset_delta < 0 || offset_delta > header_.last_offset_delta || __builtin_add_overflow(header_.base_time.ms, time_delta, &r.time.ms) ||
        __builtin_add_overflow(header_.base_offset.v, offset_delta, &r.offset.v))
      return bad("its time or offset");
    r.key = body.field();
    r.value = body.field();
    const int64_t headers = body.varint();
    if (!body.ok || headers < 0 || static_cast<uint64_t>(headers) > body.left.size()) return bad("its fields");
    r.header_count = static_cast<int32_t>(headers);
    r.headers = body.left;
    if ((header_.attributes & kLogAppendTime) != 0) r.time = header_.max_time;
    ++seen_;
    return std::optional<Record>(r);
  }

 private:
  RecordReader(const Header& h, std::span<const uint8_t> records) : header_(h), cursor_{records} {}
  Status bad(std::string_view what) const {
    return {ION_E_CORRUPT, "record " + std::to_string(seen_) + " of " + std::to_string(header_.count) + ": " + std::string(what) + " does not fit the batch"};
  }
  Header header_;
  detail::Cursor cursor_;
  int32_t seen_ = 0;
};

}  // namespace ion::batch
