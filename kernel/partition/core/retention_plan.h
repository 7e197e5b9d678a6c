// Which prefix of a log may go, and whether its active segment should be closed so that it can go later. By times of append, never by what
// the records say: a record from long ago that was appended today stays as long as any other. Pure.
#pragma once
#include <ion/abi/contract/storage.h>
#include <ion/ids.h>
#include <ion/time.h>

#include <span>

namespace ion::partition {

struct RetentionRules {
  Nanos age{};         // what was appended longer ago may go; 0: nothing goes by age
  uint64_t bytes = 0;  // of the log: what is stored beyond may go; 0: no bound
  Nanos segment_age{}; // an active segment whose first append is older is closed, also when nothing is appended; 0: never

  bool any() const noexcept { return age.n > 0 || bytes > 0 || segment_age.n > 0; }
  bool operator==(const RetentionRules&) const = default;
};

struct LogFacts {
  Offset first, sealed, next;  // as ion_log_stat
  Offset visible;              // what lies above stays: nobody has seen it yet
  uint64_t bytes = 0;
  WallMs appended{-1}, active_since{-1};
};

struct RetentionPlan {
  Offset start;       // where the log may begin; LogFacts::first if nothing goes
  bool seal = false;  // close the active segment
  WallMs next_look;   // until then nothing more can go by age, whatever is appended
};
// `sealed`: the pieces from the first one on; there may be more.
RetentionPlan plan_retention(const RetentionRules& rules, const LogFacts& log, std::span<const ion_range> sealed, WallMs now) noexcept;

inline constexpr int64_t kLookPauseMs = 4'000;         // a look is not wanted sooner than after so long
inline constexpr int64_t kLookPauseMaxMs = 3'600'000;  // nor later: clocks are set

// The active segment of a log with an age limit is closed at this part of it, so that a record is kept for at most 9/8 of the limit
// however slowly records come.
inline constexpr int64_t kSegmentsOfAge = 8;
// Part of a size limit that a segment may have at most.
inline constexpr uint64_t kSegmentsOfBytes = 4;

}  // namespace ion::partition
