// Whether the sealed part of a log should be compacted now, and up to where. By times of append, never by what the records say. Pure.
//
//   first ............ clean ............ upto ............ sealed ........ next
//   one record a key   |  dirty: has newer | too young, or not seen by all
//                      |  records of keys
//
// What lies below `clean` was compacted once, so that no two records of a key are there. A run takes the keys of [clean, upto) and goes
// over [first, upto) with them.
#pragma once
#include <ion/abi/contract/storage.h>
#include <ion/ids.h>
#include <ion/time.h>

#include <cstdint>
#include <span>
#include <vector>

namespace ion::partition {

struct CompactionRules {
  bool on = false;         // cleanup.policy has compact
  Nanos lag_min{};         // what was appended later stays as it is
  Nanos lag_max{};         // what was appended longer ago is compacted however little of the log it is; 0: never for that
  Nanos tombstone_age{};   // a tombstone stays so long after the first run that met it
  uint32_t dirty_ppm = 500'000;  // dirty bytes in a million of all from which on it is worth a run

  bool operator==(const CompactionRules&) const = default;
};

struct CompactionFacts {
  Offset first, sealed, next;  // as ion_log_stat
  Offset visible, durable;     // what lies above either is not touched
  WallMs appended{-1};         // the newest append of the log
  Offset clean;
  WallMs tombstones_due{-1};   // when the first tombstone below `clean` may go; -1: there is none
};

struct CompactionPlan {
  bool due = false;
  Offset upto;       // of the run
  WallMs next_look;  // if it is not due: nothing will be before, unless a piece is sealed
};
// `sealed`: all sealed pieces of the log, rising.
CompactionPlan plan_compaction(const CompactionRules& rules, const CompactionFacts& log, std::span<const ion_range> sealed, WallMs now) noexcept;

// The age at which the active segment of a compacted log is closed, whatever comes; `segment_age` as set, 0: never. Half of lag_max, so
// that what was appended first is not older than lag_max when the last of it has half of that age; and the age of tombstones, which
// would stay for ever in the active segment of a log that nobody writes to.
Nanos compacted_segment_age(const CompactionRules& rules, Nanos segment_age) noexcept;

// Adjacent sealed pieces that one replacement takes together: as long as their bytes are at most `bytes_max`, at least one.
struct PieceGroup {
  Offset base, next;
  size_t pieces = 0;
};
std::vector<PieceGroup> group_pieces(std::span<const ion_range> sealed, Offset upto, uint64_t bytes_max);

inline constexpr Nanos kIdleLeast = seconds(60);  // a log counts as idle after tombstone_age without an append, and not before this
inline constexpr size_t kPiecesMerged = 8;        // a group of so many is made one even if every record of it stays

}  // namespace ion::partition
