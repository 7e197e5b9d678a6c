// Proof that every record of an uncompressed RecordBatch v2 can be read again: a batch whose checksum is right may still hold records
// that stop each of its readers for good. Lengths, counts, offset deltas, header keys and times are compared with the header, in one
// pass over the record fields that jumps over keys and values. The bytes may lie in any number of parts; nothing is copied and
// nothing is allocated unless the answer is a refusal. Pure. Source of the layout: kafka.apache.org/documentation, "Record".
#pragma once
#include <ion/record_batch.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

namespace ion::batch {

// A producer numbers its records without a gap. A broker's batch may have lost some of them (compaction, interceptors), or all.
enum class Deltas { kDense, kMayHaveGaps };

namespace detail {

// UTF-8 byte by byte, so that a text may lie in several parts. Overlong forms, surrogates and what is above U+10FFFF are refused,
// as a proto3 string refuses them. Source: The Unicode Standard, table 3-7.
class Utf8Check {
 public:
  bool feed(uint8_t b) noexcept {
    if (more_ == 0) {
      low_ = 0x80, high_ = 0xbf;
      if (b < 0x80) return true;
      if (b < 0xc2 || b > 0xf4) return false;
      more_ = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
      if (b == 0xe0) low_ = 0xa0;
      if (b == 0xed) high_ = 0x9f;
      if (b == 0xf0) low_ = 0x90;
      if (b == 0xf4) high_ = 0x8f;
      return true;
    }
    if (b < low_ || b > high_) return false;
    low_ = 0x80, high_ = 0xbf;
    --more_;
    return true;
  }
  bool whole() const noexcept { return more_ == 0; }

 private:
  uint8_t more_ = 0, low_ = 0x80, high_ = 0xbf;
};

// A position in bytes that lie in one piece. take_* answer false where there are too few bytes or the number is too long.
class FlatBytes {
 public:
  FlatBytes(const uint8_t* p, uint64_t n) noexcept : p_(p), end_(p + n) {}
  uint64_t left() const noexcept { return static_cast<uint64_t>(end_ - p_); }
  bool take_byte(uint8_t& to) noexcept {
    if (p_ == end_) return false;
    to = *p_++;
    return true;
  }
  bool take_small(int64_t& to) noexcept {  // a number of one byte, as most are; nothing is taken on false
    if (p_ == end_ || *p_ >= 0x80) return false;
    const uint8_t b = *p_++;
    to = (b >> 1) ^ -static_cast<int64_t>(b & 1);
    return true;
  }
  void skip(uint64_t n) noexcept { p_ += n; }  // n <= left()
  bool take_utf8(uint64_t n) noexcept {        // n <= left()
    Utf8Check check;
    for (const uint8_t* const to = p_ + n; p_ != to; ++p_)
      if (!check.feed(*p_)) return false;
    return check.whole();
  }

 private:
  const uint8_t *p_, *end_;
};

// The same over bytes in several parts.
class PartBytes {
 public:
  PartBytes(std::span<const ion_buf> parts, uint64_t from) noexcept : next_(parts), left_(bytes_in(parts)) { skip(std::min(from, left_)); }
  uint64_t left() const noexcept { return left_; }
  const uint8_t* place() const noexcept { return p_; }  // of the bytes in one piece
  uint64_t in_one_piece() const noexcept { return std::min(static_cast<uint64_t>(end_ - p_), left_); }
  FlatBytes piece(uint64_t n) const noexcept { return {p_, n}; }  // n <= in_one_piece()
  PartBytes first(uint64_t n) const noexcept {                    // n <= left()
    PartBytes part = *this;
    part.left_ = n;
    return part;
  }
  bool take_byte(uint8_t& to) noexcept {
    if (left_ == 0) return false;
    while (p_ == end_) advance();
    to = *p_++, --left_;
    return true;
  }
  bool take_small(int64_t& to) noexcept {
    if (in_one_piece() == 0 || *p_ >= 0x80) return false;
    const uint8_t b = *p_++;
    --left_;
    to = (b >> 1) ^ -static_cast<int64_t>(b & 1);
    return true;
  }
  void skip(uint64_t n) noexcept {  // n <= left()
    left_ -= n;
    while (n > static_cast<uint64_t>(end_ - p_)) n -= static_cast<uint64_t>(end_ - p_), advance();
    if (n != 0) p_ += n;
  }
  bool take_utf8(uint64_t n) noexcept {  // n <= left()
    Utf8Check check;
    for (uint8_t b = 0; n != 0; --n)
      if (!take_byte(b) || !check.feed(b)) return false;
    return check.whole();
  }

 private:
  void advance() noexcept {
    p_ = next_.front().p, end_ = p_ + next_.front().n;
    next_ = next_.subspan(1);
  }
  std::span<const ion_buf> next_;
  const uint8_t *p_ = nullptr, *end_ = nullptr;
  uint64_t left_;
};

template <class Bytes>
[[gnu::noinline]] bool take_long_varint(Bytes& from, unsigned bytes_max, int64_t& to) noexcept {
  uint8_t b = 0;
  uint64_t v = 0;
  for (unsigned i = 0; i < bytes_max; ++i) {
    if (!from.take_byte(b)) return false;
    v |= static_cast<uint64_t>(b & 0x7f) << (7 * i);
    if (b < 0x80) {
      if (i == 9 && b > 1) return false;
      to = static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
      return bytes_max > 5 || (to >= INT32_MIN && to <= INT32_MAX);
    }
  }
  return false;
}
// `bytes_max`: 5 for what Kafka calls varint, 10 for varlong.
template <class Bytes>
[[gnu::always_inline]] inline bool take_varint(Bytes& from, unsigned bytes_max, int64_t& to) noexcept {
  return from.take_small(to) || take_long_varint(from, bytes_max, to);
}

// A number of one to three bytes, without a look at where the bytes end. kNoNumber: it is longer.
inline constexpr int64_t kNoNumber = INT64_MIN;
[[gnu::always_inline]] inline int64_t quick_varint(const uint8_t*& p) noexcept {
  uint32_t v = *p++;
  if (v >= 0x80) {
    v = (v & 0x7f) | static_cast<uint32_t>(*p++) << 7;
    if (v >= 0x4000) {
      v = (v & 0x3fff) | static_cast<uint32_t>(*p++) << 14;
      if (v >= 0x200000) return kNoNumber;
    }
  }
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

// One batch under proof.
class RecordProof {
 public:
  RecordProof(const Header& h, uint64_t record_bytes_max, Deltas deltas) noexcept
      : h_(h), record_bytes_max_(record_bytes_max), deltas_(deltas), plain_(deltas == Deltas::kDense && h.base_time.ms >= 0 && h.max_time.ms >= 0),
        earliest_delta_(plain_ ? -h.base_time.ms : 0), latest_delta_(plain_ ? h.max_time.ms - h.base_time.ms : 0) {}

  Status run(std::span<const ion_buf> parts) {
    PartBytes at(parts, kHeaderBytes);
    for (; i_ < h_.count; ++i_) {
      if (plain_) {
        if (const uint64_t bytes = plain_record(at.place(), at.in_one_piece()); bytes != 0) {
          at.skip(bytes);
          continue;
        }
      }
      int64_t n = 0;
      if (!take_varint(at, 5, n)) return wrong("its length is no number that fits the batch");
      if (n < 0 || static_cast<uint64_t>(n) > at.left())
        return wrong("its length is " + std::to_string(n) + " bytes, the batch has " + std::to_string(at.left()) + " left");
      const auto bytes = static_cast<uint64_t>(n);
      bool good = false;
      if (bytes <= at.in_one_piece()) {
        FlatBytes body = at.piece(bytes);
        good = record(body);
      } else {
        PartBytes body = at.first(bytes);
        good = record(body);
      }
      if (!good) return std::move(why_);
      at.skip(bytes);
    }
    if (at.left() != 0)
      return {ION_E_INVALID, "record batch: " + std::to_string(at.left()) + " bytes stand behind the last of its " + std::to_string(h_.count) + " records",
              "CORRUPT_BATCH"};
    if (most_delta_ != kNoNumber) max_time_ = std::max(max_time_, h_.base_time.ms + most_delta_);
    if (deltas_ == Deltas::kDense && max_time_ != h_.max_time.ms)
      return {ION_E_INVALID, "record batch: its max timestamp is " + std::to_string(h_.max_time.ms) + ", the latest record has " + std::to_string(max_time_),
              "INVALID_TIMESTAMP"};
    return {};
  }

 private:
  // Most records lie in one piece, have no headers and numbers of few bytes: those are proved here, at a tenth of the cost. Answers the
  // bytes of such a record with its length in front, 0 for any other one, good or bad: record() judges that, and finds the words.
  [[gnu::always_inline]] inline uint64_t plain_record(const uint8_t* const from, uint64_t n) noexcept {
    constexpr uint64_t kOverrun = 16;  // a record may end early, which is seen only after five numbers of three bytes
    if (n < kOverrun) return 0;
    const uint8_t* p = from;
    const int64_t bytes = quick_varint(p);
    if (bytes <= 0 || bytes > static_cast<int64_t>(n - kOverrun)) return 0;
    const uint8_t* const end = p + bytes;
    const uint8_t attributes = *p++;
    const int64_t time_delta = quick_varint(p), offset_delta = quick_varint(p), key = quick_varint(p);
    if (attributes != 0 || time_delta < earliest_delta_ || time_delta > latest_delta_ || offset_delta != i_ || key < -1 || key > end - p) return 0;
    p += std::max<int64_t>(key, 0);
    const int64_t value = quick_varint(p);
    if (value < -1 || value > end - p) return 0;
    p += std::max<int64_t>(value, 0);
    if (end - p != 1 || *p != 0) return 0;  // the count of headers
    if (static_cast<uint64_t>(std::max<int64_t>(key, 0) + std::max<int64_t>(value, 0)) > record_bytes_max_) return 0;
    most_delta_ = std::max(most_delta_, time_delta);
    return static_cast<uint64_t>(end - from);
  }

  template <class Bytes>
  bool record(Bytes& body) {
    uint8_t attributes = 0;
    int64_t time_delta = 0, offset_delta = 0, n = 0;
    if (!body.take_byte(attributes)) return fail("it ends before its attributes");
    if (attributes != 0) return fail("its attributes are " + std::to_string(attributes) + ", want 0");
    if (!take_varint(body, 10, time_delta)) return fail("its timestamp delta is no number that fits the record");
    if (!time(time_delta)) return false;
    if (!take_varint(body, 5, offset_delta)) return fail("its offset delta is no number that fits the record");
    if (deltas_ == Deltas::kMayHaveGaps) {
      if (offset_delta <= last_delta_ || offset_delta > h_.last_offset_delta)
        return fail("its offset delta is " + std::to_string(offset_delta) + ", want one above " + std::to_string(last_delta_) + " and at most " +
                    std::to_string(h_.last_offset_delta));
      last_delta_ = offset_delta;
    } else if (offset_delta != i_) return fail("its offset delta is " + std::to_string(offset_delta) + ", want " + std::to_string(i_));
    uint64_t key_bytes = 0, value_bytes = 0;
    if (!field(body, "key", key_bytes) || !field(body, "value", value_bytes)) return false;
    if (!take_varint(body, 5, n)) return fail("its header count is no number that fits the record");
    const uint64_t header_bytes = body.left();
    // A header takes two bytes at least.
    if (n < 0 || static_cast<uint64_t>(n) > header_bytes / 2)
      return fail("its header count is " + std::to_string(n) + ", which does not fit the " + std::to_string(header_bytes) + " bytes left of the record");
    if (key_bytes + value_bytes + header_bytes > record_bytes_max_) return too_large(key_bytes + value_bytes + header_bytes);
    for (int64_t h = 0; h < n; ++h)
      if (!header(body, h)) return false;
    return body.left() == 0 || fail(std::to_string(body.left()) + " bytes stand behind its last field");
  }
  bool time(int64_t delta) {
    int64_t ms = 0;
    if (__builtin_add_overflow(h_.base_time.ms, delta, &ms) || ms > h_.max_time.ms || (h_.max_time.ms < 0 ? ms != kNoTime.ms : ms < 0)) {
      why_ = at_record("its timestamp delta is " + std::to_string(delta) + ", the times of the batch are " + std::to_string(h_.base_time.ms) + " to " +
                           std::to_string(h_.max_time.ms),
                       "INVALID_TIMESTAMP");
      return false;
    }
    max_time_ = std::max(max_time_, ms);
    return true;
  }
  template <class Bytes>
  bool field(Bytes& body, const char* name, uint64_t& bytes) {
    int64_t n = 0;
    if (!take_varint(body, 5, n)) return fail(std::string("the length of its ") + name + " is no number that fits the record");
    if (n == -1) return true;  // null
    if (n < 0 || static_cast<uint64_t>(n) > body.left())
      return fail(std::string("the length of its ") + name + " is " + std::to_string(n) + ", the record has " + std::to_string(body.left()) + " bytes left");
    bytes = static_cast<uint64_t>(n);
    body.skip(bytes);
    return true;
  }
  template <class Bytes>
  bool header(Bytes& body, int64_t which) {
    const auto where = [&](const char* what) { return "the " + std::string(what) + " of its header " + std::to_string(which); };
    int64_t n = 0;
    if (!take_varint(body, 5, n)) return fail(where("key length") + " is no number that fits the record");
    if (n < 0 || static_cast<uint64_t>(n) > body.left())
      return fail(where("key length") + " is " + std::to_string(n) + ", the record has " + std::to_string(body.left()) + " bytes left");
    if (!body.take_utf8(static_cast<uint64_t>(n))) return fail(where("key") + " is not UTF-8");
    if (!take_varint(body, 5, n)) return fail(where("value length") + " is no number that fits the record");
    if (n == -1) return true;  // null
    if (n < 0 || static_cast<uint64_t>(n) > body.left())
      return fail(where("value length") + " is " + std::to_string(n) + ", the record has " + std::to_string(body.left()) + " bytes left");
    body.skip(static_cast<uint64_t>(n));
    return true;
  }

  Status at_record(const std::string& what, std::string reason) const {
    return {ION_E_INVALID, "record batch: record " + std::to_string(i_) + " of " + std::to_string(h_.count) + ": " + what, std::move(reason)};
  }
  Status wrong(const std::string& what) const { return at_record(what, "CORRUPT_BATCH"); }
  bool fail(const std::string& what) {
    why_ = wrong(what);
    return false;
  }
  bool too_large(uint64_t have) {
    why_ = at_record("it has " + std::to_string(have) + " bytes, at most " + std::to_string(record_bytes_max_) + " are taken (limits.record_bytes_max)",
                     "RECORD_TOO_LARGE");
    return false;
  }

  const Header& h_;
  const uint64_t record_bytes_max_;
  const Deltas deltas_;
  const bool plain_;                              // plain_record() may be asked
  const int64_t earliest_delta_, latest_delta_;  // of a time, for it
  int64_t most_delta_ = kNoNumber;               // of the records that it has proved
  int32_t i_ = 0;
  int64_t last_delta_ = -1;
  int64_t max_time_ = INT64_MIN;
  Status why_;
};

}  // namespace detail

// `parts` hold one batch that check() believed and answered `h` for. A record may have `record_bytes_max` bytes of key, value and
// headers together. Errors: UNSUPPORTED (reason COMPRESSION) for a compressed batch, whose records cannot be proved here; INVALID
// with reason CORRUPT_BATCH, INVALID_TIMESTAMP or RECORD_TOO_LARGE, and the record and field in its message.
inline Status prove_records(std::span<const ion_buf> parts, const Header& h, uint64_t record_bytes_max, Deltas deltas = Deltas::kDense) {
  if (h.codec() != 0)
    return {ION_E_UNSUPPORTED, "record batch: compression codec " + std::to_string(h.codec()) + ": its records are proved when it is opened (codecs/batches.h)", "COMPRESSION"};
  return detail::RecordProof(h, record_bytes_max, deltas).run(parts);
}

}  // namespace ion::batch
