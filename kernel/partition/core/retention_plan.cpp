#include "partition/core/retention_plan.h"

#include <algorithm>

namespace ion::partition {

namespace {
// A time that nobody knows is not old.
bool older_than(WallMs then, int64_t age_ms, WallMs now) noexcept { return then.ms >= 0 && now.ms - then.ms >= age_ms; }
constexpr int64_t kNever = INT64_MAX / 4;  // in ms: may be added to a time
int64_t ms_of(Nanos age) noexcept { return age.n > 0 ? std::max<int64_t>(1, age.n / 1'000'000) : kNever; }
}  // namespace

RetentionPlan plan_retention(const RetentionRules& rules, const LogFacts& log, std::span<const ion_range> sealed, WallMs now) noexcept {
  const int64_t age_ms = ms_of(rules.age), active_ms = std::min(ms_of(rules.segment_age), std::max<int64_t>(1, age_ms / kSegmentsOfAge));
  RetentionPlan plan{log.first, false, {now.ms + active_ms}};
  const auto look_at = [&plan](WallMs since, int64_t age) {
    if (since.ms >= 0) plan.next_look.ms = std::min(plan.next_look.ms, since.ms + age);
  };
  uint64_t left = log.bytes;
  for (const ion_range& piece : sealed) {
    if (piece.next > log.visible.v) break;
    const bool too_old = older_than({piece.appended_ms}, age_ms, now);
    const bool too_many = rules.bytes > 0 && left >= piece.bytes && left - piece.bytes >= rules.bytes;
    if (!too_old && !too_many) {
      look_at({piece.appended_ms}, age_ms);
      break;
    }
    plan.start = std::max(plan.start, Offset{piece.next});
    left -= std::min(left, piece.bytes);
  }
  const bool has_active = log.next > log.sealed;
  plan.seal = has_active && older_than(log.active_since, active_ms, now);
  if (has_active) look_at(log.active_since, active_ms);
  plan.next_look.ms = std::max(plan.next_look.ms, now.ms + kLookPauseMs);
  return plan;
}

}  // namespace ion::partition
