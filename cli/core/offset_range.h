// The `-o` of consume: where to begin in each partition, and perhaps where to end. Pure: the bounds of a log are arguments.
//   offset = "start" | "oldest" | "end" | "newest" | range        range = point [":" [point]] | ":" point | INT "-" INT
//   point  = INT | "+" INT (after the start) | "-" INT (before the end) | "start" | "end"        ranges are half-open
#pragma once
#include <ion/ids.h>
#include <ion/result.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace ion::cli {

struct OffsetPoint {
  enum class Base { kStart, kEnd, kZero } base = Base::kStart;
  int64_t distance = 0;  // from the base; before the end it is negative
  bool operator==(const OffsetPoint&) const = default;
};

struct LogEnds {
  Offset start, end;  // [start, end)
};

class OffsetRange {
 public:
  // INVALID for anything that is no offset, or a range that ends before it begins or is empty in every log.
  static Result<OffsetRange> parse(std::string_view text);

  const OffsetPoint& from() const noexcept { return from_; }
  const std::optional<OffsetPoint>& until() const noexcept { return until_; }
  // Just "start" or "end": nobody needs to know where they are.
  bool needs_ends() const noexcept;

  struct Span {
    Offset from;
    std::optional<Offset> until;
  };
  // What of it a log holds. OUT_OF_RANGE when it begins at a number that the log does not have and is not just about to have; a range
  // whose end the log's start has passed is empty, and no mistake.
  Result<Span> within(const LogEnds& log) const;

 private:
  OffsetPoint from_;
  std::optional<OffsetPoint> until_;
};

}  // namespace ion::cli
