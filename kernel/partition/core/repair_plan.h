// What of a log was lost, told by going over all of it, and what has to be done about the damage that its storage speaks of. Pure.
#pragma once
#include <ion/contract/storage.h>
#include <ion/record_batch.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ion::partition {

enum class RepairMode { kDryRun, kAcceptLoss };

// Offsets that cannot be read; at most so many records.
struct LostPart {
  Offset from, upto;
  bool operator==(const LostPart&) const = default;
};

struct RepairReport {
  Offset first, next;             // of the log
  std::vector<LostPart> parts;    // ascending; the first LogSurvey::kPartsMax
  uint64_t parts_all = 0;
  uint64_t bytes_lost = 0;        // stored in the damaged pieces and not read, as far as the storage knows of them
  uint64_t records_left = 0, bytes_left = 0;
  bool dense = true;              // every offset that was read has a record
  bool repaired = false;          // it was damaged and is whole now
};

// Takes what a reader meets on its way over [first, next), in the order of the offsets.
class LogSurvey {
 public:
  static constexpr size_t kPartsMax = 1'000;
  // `sealed`: all pieces of the log; `bytes`: of all of it, with what is not sealed.
  LogSurvey(Offset first, Offset next, std::vector<ion_range> sealed, uint64_t bytes);
  void read(const batch::Header& header);
  // from < upto. Neighbours become one part.
  void lost(Offset from, Offset upto);
  RepairReport report() const;

 private:
  struct Piece {
    Offset base, next;
    uint64_t stored = 0, read = 0;
    bool damaged = false;
  };
  size_t piece_of(Offset at) const noexcept;

  std::vector<Piece> pieces_;  // the last one is what is not sealed
  RepairReport report_;
  Offset covered_;  // what was read or lost ends here
  std::optional<LostPart> last_;
};

// The next step towards a whole log. After each the storage is asked again.
struct RepairStep {
  enum class Kind {
    kNone,       // it is whole
    kCutPrefix,  // there is no piece to put something into: the log begins at `next`
    kReplace,    // the batches of [base, next) that can be read take the place of these pieces
  } kind = Kind::kNone;
  Offset base, next;
  bool operator==(const RepairStep&) const = default;
};
// `sealed`: all pieces of the log, whose active segment has nothing damaged. Empty damage (bytes between two batches) at the border of
// two pieces may be in either: both are replaced.
RepairStep next_repair_step(const LogStat& log, std::span<const ion_range> sealed) noexcept;

}  // namespace ion::partition
