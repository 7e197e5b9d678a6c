// The id of a record: a UUIDv7 (RFC 9562) computed from what is stored, never stored itself. Pure. 128 bits, first byte first:
//   ms 48 | version 0111 | offset bits 39..28 | variant 10 | offset bits 27..0 | log id 34
// ms is the record's timestamp as stored, clamped to [0, 2^48). Of the offset only the low 40 bits fit: resolve() finds the true
// one inside the log. Ids of a log sort by time, then offset. An id is not secret: it shows time, volume and partition.
#pragma once
#include <ion/assert.h>
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace ion::message_id {

inline constexpr int64_t kTimeEnd = int64_t{1} << 48;
inline constexpr int64_t kOffsetSpan = int64_t{1} << 40;

struct Parts {
  WallMs time;
  Offset offset_low;  // modulo 2^40
  LogId log;
};

inline Uuid make(WallMs time, Offset offset, LogId log) {
  ION_ASSERT(offset.v >= 0 && log.v <= kLogIdMax);
  const auto ms = static_cast<uint64_t>(std::clamp<int64_t>(time.ms, 0, kTimeEnd - 1));
  const auto low = static_cast<uint64_t>(offset.v & (kOffsetSpan - 1));
  const uint64_t hi = ms << 16 | uint64_t{0x7} << 12 | low >> 28;
  const uint64_t lo = uint64_t{0x2} << 62 | (low & 0xfffffff) << 34 | log.v;
  Uuid id;
  for (size_t i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<uint8_t>(hi >> (56 - 8 * i));
    id.bytes[8 + i] = static_cast<uint8_t>(lo >> (56 - 8 * i));
  }
  return id;
}

inline Result<Parts> parse(const Uuid& id) {
  uint64_t hi = 0, lo = 0;
  for (size_t i = 0; i < 8; ++i) hi = hi << 8 | id.bytes[i], lo = lo << 8 | id.bytes[8 + i];
  if ((hi >> 12 & 0xf) != 0x7 || lo >> 62 != 0x2)
    return Status(ION_E_INVALID, "message id: want a UUID of version 7 and variant 10, have " + id.text());
  const uint64_t low = (hi & 0xfff) << 28 | (lo >> 34 & 0xfffffff);
  return Parts{{static_cast<int64_t>(hi >> 16)}, {static_cast<int64_t>(low)}, {lo & kLogIdMax}};
}

// Text of any UUID, 8-4-4-4-12 hex digits of either case; the way back is Uuid::text().
inline Result<Uuid> from_text(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  const auto wrong = [&] {
    return Status(ION_E_INVALID, "message id: want 8-4-4-4-12 hex digits, have '" + std::string(text.substr(0, 64)) + "'");
  };
  if (text.size() != 36) return wrong();
  Uuid id;
  size_t at = 0;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-') return wrong();
    const int high = digit(text[at]), low = digit(text[at + 1]);
    if (high < 0 || low < 0) return wrong();
    id.bytes[i] = static_cast<uint8_t>(high * 16 + low);
    at += 2;
  }
  return id;
}

// Offsets that a log holds: [start, end).
struct LogBounds {
  Offset start, end;
};
// The one offset inside the log with these low bits: unique while the log holds at most 2^40, else the oldest. The record there
// is meant only if its stored time is the id's (`is_time_of`). Without one it is taken for what lies nearer: OUT_OF_RANGE, it was
// before the start and is deleted; NOT_FOUND with NOT_YET, it would be at or behind the end.
inline Result<Offset> resolve(const Parts& parts, LogBounds log) {
  ION_ASSERT(log.start.v >= 0 && log.start <= log.end);
  const int64_t ahead = (parts.offset_low.v - log.start.v) & (kOffsetSpan - 1);  // two's complement: also right when negative
  const int64_t length = log.end - log.start;
  if (ahead < length) return log.start + ahead;
  const int64_t behind = kOffsetSpan - ahead;  // before the start, if it was there
  if (behind <= log.start.v && behind <= ahead - length)
    return Status(ION_E_OUT_OF_RANGE, "offset " + std::to_string(log.start.v - behind) + " was deleted, the first that is there is " +
                                          std::to_string(log.start.v), "OFFSET_OUT_OF_RANGE");
  const int64_t there = ahead > INT64_MAX - log.start.v ? INT64_MAX : log.start.v + ahead;
  return Status(ION_E_NOT_FOUND, "offset " + std::to_string(there) + " is not there yet, the log ends at " + std::to_string(log.end.v), "NOT_YET");
}
// Whether a record with this stored time can have the id.
inline bool is_time_of(const Parts& parts, WallMs stored) { return std::clamp<int64_t>(stored.ms, 0, kTimeEnd - 1) == parts.time.ms; }

}  // namespace ion::message_id
