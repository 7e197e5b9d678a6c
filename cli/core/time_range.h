// The `-o @...` of consume: from when, and perhaps until when. Pure: the time of now is an argument.
//   times = t [":" [t2]] | ":" t2         t2  = t | dur | "end"
//   t     = 13DIGIT (ms) | 10DIGIT (s) | YYYY-MM-DD (UTC) | RFC 3339 | "-" dur (before now)
//   dur   = 1*(NUMBER ("ms" | "s" | "m" | "h" | "d" | "w"))    without a sign it counts from `t`
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <optional>
#include <string_view>

namespace ion::cli {

struct TimeRange {
  std::optional<WallMs> from;   // nothing: from the start of the log
  std::optional<WallMs> until;  // the first record at or after it is not read any more
  bool until_end = false;       // up to what was there when the reading began

  bool bounded() const noexcept { return until.has_value() || until_end; }
  // `text` begins with "@". INVALID says what was wanted, also for a range that ends before it begins.
  static Result<TimeRange> parse(std::string_view text, WallMs now);
  bool operator==(const TimeRange&) const = default;
};

}  // namespace ion::cli
