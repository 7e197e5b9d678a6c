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
  uint64_t left = log.bytes, in_pieces = 0;
  for (const ion_range& piece : sealed) in_pieces += piece.bytes;
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
  const bool has_active = log.next > log.sealed && log.active_since.ms >= 0;
  if (has_active) {
    // All that is sealed goes, and nothing was appended for so long: the whole log may, without another segment for what is not there.
    const bool all_sealed_go = sealed.empty() || plan.start.v == sealed.back().next;
    if (all_sealed_go && plan.start == log.sealed && log.visible == log.next && older_than(log.appended, age_ms, now)) plan.start = log.next;
    const bool all_listed = (sealed.empty() ? log.first.v : sealed.back().next) >= log.sealed.v;
    const bool too_large = all_listed && rules.bytes > 0 && log.bytes > rules.bytes && log.bytes - std::min(log.bytes, in_pieces) > rules.bytes / kSegmentsOfBytes;
    plan.seal = older_than(log.active_since, active_ms, now) || too_large;
    look_at(log.active_since, active_ms);
    look_at(log.appended, age_ms);
  }
  plan.next_look.ms = std::clamp(plan.next_look.ms, now.ms + kLookPauseMs, now.ms + kLookPauseMaxMs);
  return plan;
}

}  // namespace ion::partition
