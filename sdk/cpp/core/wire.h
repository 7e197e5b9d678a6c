// The little of protobuf's wire format that the data path needs by hand, so that `records` never enters a protobuf object:
// a writer of small fields, and a reader over bytes that lie in several pieces. Pure. Foreign bytes cannot make it read outside.
// Source: protobuf.dev/programming-guides/encoding.
#pragma once
#include <ion/bytes.h>
#include <ion/ids.h>
#include <ion/result.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/producer_types.h"

namespace ion::client::wire {

enum class Type : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

inline void put_varint(std::string& to, uint64_t v) {
  for (; v >= 0x80; v >>= 7) to += static_cast<char>(v | 0x80);
  to += static_cast<char>(v);
}
inline void put_tag(std::string& to, uint32_t field, Type type) { put_varint(to, field << 3 | static_cast<uint32_t>(type)); }
inline void put_number(std::string& to, uint32_t field, uint64_t v) {
  put_tag(to, field, Type::kVarint);
  put_varint(to, v);
}
inline void put_text(std::string& to, uint32_t field, std::string_view text) {
  put_tag(to, field, Type::kBytes);
  put_varint(to, text.size());
  to += text;
}

// A cursor over pieces. After a failure `ok` stays false and everything reads as zero.
class Pieces {
 public:
  explicit Pieces(std::span<const std::span<const uint8_t>> pieces) : pieces_(pieces) { skip_empty(); }

  bool ok() const { return ok_; }
  bool at_end() const { return pieces_.empty(); }
  uint64_t left() const {
    uint64_t n = 0;
    for (const auto& piece : pieces_) n += piece.size();
    return n - at_;
  }
  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (pieces_.empty()) break;
      const uint8_t b = pieces_[0][at_++];
      skip_empty();
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return v;
    }
    ok_ = false;
    return 0;
  }
  // Copies n bytes out, or passes over them when `to` is null.
  bool take(uint64_t n, uint8_t* to) {
    while (n > 0 && !pieces_.empty()) {
      const uint64_t part = std::min<uint64_t>(n, pieces_[0].size() - at_);
      if (to != nullptr) std::memcpy(to, pieces_[0].data() + at_, part), to += part;
      at_ += part, n -= part;
      skip_empty();
    }
    return ok_ = ok_ && n == 0;
  }
  std::string text(uint64_t n) {
    if (n > left()) return ok_ = false, std::string();
    std::string out(n, '\0');
    take(n, reinterpret_cast<uint8_t*>(out.data()));
    return out;
  }
  void skip(Type type) {
    if (type == Type::kVarint) (void)varint();
    else if (type == Type::kBytes) take(varint(), nullptr);
    else if (type == Type::kFixed64 || type == Type::kFixed32) take(type == Type::kFixed64 ? 8 : 4, nullptr);
    else ok_ = false;
  }

 private:
  void skip_empty() {
    while (!pieces_.empty() && at_ == pieces_[0].size()) pieces_ = pieces_.subspan(1), at_ = 0;
  }
  std::span<const std::span<const uint8_t>> pieces_;
  size_t at_ = 0;  // inside pieces_[0]
  bool ok_ = true;
};

// Everything of a ProduceRequest before the bytes of `records`, which the caller puts behind it.
struct ProduceHead {
  std::string_view topic;
  PartitionId partition;
  ProducerLimits::Promise promise = ProducerLimits::Promise::kIdempotent;
  uint64_t correlation = 0;
  Uuid topic_id = {};  // all zero: left out
};
inline std::string produce_head(const ProduceHead& head, uint64_t records_bytes) {
  std::string out;
  out.reserve(head.topic.size() + 72);
  put_text(out, 1, head.topic);
  put_number(out, 2, static_cast<uint32_t>(head.partition.v));
  using Promise = ProducerLimits::Promise;
  put_number(out, 3, head.promise == Promise::kUnanswered ? 1 : head.promise == Promise::kPlain ? 2 : 3);
  put_number(out, 4, head.correlation);
  if (head.topic_id != Uuid{}) put_text(out, 8, {reinterpret_cast<const char*>(head.topic_id.bytes.data()), head.topic_id.bytes.size()});
  put_tag(out, 15, Type::kBytes);
  put_varint(out, records_bytes);
  return out;
}

// A FetchResponse. `records` is copied once, into memory of its own: what came in lies in small pieces of large blocks.
struct Frame {
  std::string topic, session, error;  // error: an encoded ErrorDetail
  PartitionId partition;
  Offset base_offset, next_offset, log_start, high_watermark;
  LogId log;
  Buf records;
};
inline Result<Frame> read_frame(std::span<const std::span<const uint8_t>> pieces) {
  const Status unreadable(ION_E_INTERNAL, "the broker sent a FetchResponse that cannot be read");
  Pieces in(pieces);
  Frame f;
  const auto number = [&] { return static_cast<int64_t>(in.varint()); };
  while (in.ok() && !in.at_end()) {
    const uint64_t tag = in.varint();
    const auto type = static_cast<Type>(tag & 7);
    const uint64_t field = tag >> 3;
    const bool bytes = type == Type::kBytes, varint = type == Type::kVarint;
    if (field == 1 && bytes) f.topic = in.text(in.varint());
    else if (field == 2 && varint) f.partition = {static_cast<int32_t>(in.varint())};
    else if (field == 3 && varint) f.base_offset = {number()};
    else if (field == 4 && varint) f.next_offset = {number()};
    else if (field == 5 && varint) f.log_start = {number()};
    else if (field == 6 && varint) f.high_watermark = {number()};
    else if (field == 7 && varint) f.log = {in.varint()};
    else if (field == 8 && bytes) f.error = in.text(in.varint());
    else if (field == 9 && bytes) f.session = in.text(in.varint());
    else if (field == 15 && bytes) {
      const uint64_t n = in.varint();
      if (n > in.left()) return unreadable;
      uint8_t* to = nullptr;
      f.records = Buf::allocate(n, &to);
      in.take(n, to);
      continue;
    } else in.skip(type);
  }
  if (!in.ok() || !in.at_end()) return unreadable;
  return f;
}

}  // namespace ion::client::wire
