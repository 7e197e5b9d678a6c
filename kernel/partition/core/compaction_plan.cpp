#include "partition/core/compaction_plan.h"

#include "partition/core/retention_plan.h"

#include <algorithm>

namespace ion::partition {

namespace {
constexpr int64_t kNever = INT64_MAX / 4;  // in ms: may be added to a time
int64_t ms_of(Nanos n) noexcept { return n.n / 1'000'000; }
int64_t idle_ms(const CompactionRules& rules) noexcept { return ms_of(std::max(rules.tombstone_age, kIdleLeast)); }
int64_t forced_ms(const CompactionRules& rules) noexcept { return rules.lag_max.n > 0 ? std::max<int64_t>(1, ms_of(rules.lag_max) / 2) : kNever; }
}  // namespace

CompactionPlan plan_compaction(const CompactionRules& rules, const CompactionFacts& log, std::span<const ion_range> sealed, WallMs now) noexcept {
  CompactionPlan plan{false, log.clean, {now.ms + kNever}};
  if (!rules.on) return plan;
  const auto look_at = [&](int64_t ms) { plan.next_look.ms = std::min(plan.next_look.ms, ms); };
  const Offset seen = std::min({log.visible, log.durable, log.sealed});
  uint64_t clean_bytes = 0, dirty_bytes = 0;
  WallMs oldest_dirty{-1};
  for (const ion_range& piece : sealed) {
    if (piece.next <= log.clean.v) {
      clean_bytes += piece.bytes;
      continue;
    }
    // A time that nobody knows is one that has passed.
    const int64_t ripe = piece.appended_ms < 0 ? now.ms : piece.appended_ms + ms_of(rules.lag_min);
    if (piece.next > seen.v) {
      look_at(now.ms + kLookPauseMs);
      break;
    }
    if (ripe > now.ms) {
      look_at(ripe);
      break;
    }
    if (dirty_bytes == 0) oldest_dirty = {piece.appended_ms};
    dirty_bytes += std::max<uint64_t>(1, piece.bytes);
    plan.upto = Offset{piece.next};
  }
  if (log.tombstones_due.ms >= 0) {
    plan.due = log.tombstones_due <= now;
    look_at(log.tombstones_due.ms);
  }
  if (dirty_bytes > 0) {
    const uint64_t all = clean_bytes + dirty_bytes;
    plan.due |= static_cast<unsigned __int128>(dirty_bytes) * 1'000'000 >= static_cast<unsigned __int128>(all) * rules.dirty_ppm;
    plan.due |= now.ms - oldest_dirty.ms >= forced_ms(rules);
    plan.due |= log.appended.ms >= 0 && now.ms - log.appended.ms >= idle_ms(rules);
    look_at(oldest_dirty.ms + forced_ms(rules));
    if (log.appended.ms >= 0) look_at(log.appended.ms + idle_ms(rules));
  }
  return plan;
}

Nanos compacted_segment_age(const CompactionRules& rules, Nanos segment_age) noexcept {
  Nanos age = std::max(rules.tombstone_age, kIdleLeast);
  if (segment_age.n > 0) age = std::min(age, segment_age);
  if (rules.lag_max.n > 0) age = std::min(age, std::max(milliseconds(1), rules.lag_max / 2));
  return age;
}

std::vector<PieceGroup> group_pieces(std::span<const ion_range> sealed, Offset upto, uint64_t bytes_max) {
  std::vector<PieceGroup> groups;
  uint64_t bytes = 0;
  for (const ion_range& piece : sealed) {
    if (piece.next > upto.v) break;
    if (groups.empty() || bytes + piece.bytes > bytes_max || groups.back().next.v != piece.base) {
      groups.push_back({{piece.base}, {piece.base}, 0});
      bytes = 0;
    }
    groups.back().next = {piece.next};
    ++groups.back().pieces;
    bytes += piece.bytes;
  }
  return groups;
}

}  // namespace ion::partition
