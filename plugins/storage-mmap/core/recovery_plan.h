// What to do with the files of a log that is opened. Two steps, both pure; the driver (io/log_recovery) reads in between:
//
//   plan_reading  names, lengths, indexes, mark  ->  which segments must be read, and what their digests must be
//   judge         the same and what was read     ->  what is kept, cut, removed, and which offsets cannot be read
//
// Rules. Only what lies at or above the durable mark may be cut, and there everything behind the first bad
// byte is cut, since valid batches behind it prove nothing. Damage below the mark is never cut: it is reported. A segment whose
// index proves itself was durable when the index was written. Without a mark (its file was lost) a bad batch with valid ones
// behind it counts as damage, and only an end without any as a torn tail. Thread: any.
#pragma once
#include "core/mark_format.h"
#include "core/record_scan.h"

#include <optional>
#include <span>
#include <vector>

namespace ion::storage_mmap {

// A segment file of the directory. Segments are named by the log's next at the time they began: names of neighbours must join.
struct FoundSegment {
  Offset base;
  uint64_t file_bytes = 0;
  std::optional<SegmentIndex> index;  // that proves itself; entries only if asked for
};

struct ReadingTask {
  size_t which = 0;
  Offset stop_at{INT64_MAX};
  bool index_agrees = false;          // its entries are checkpoints
  std::optional<Checkpoint> mark;     // that lies in this segment
};
struct ReadingPlan {
  std::vector<size_t> below_first;    // wholly below the log's first offset: left over from a truncation
  std::vector<ReadingTask> read;      // ascending; the others are believed by their index
};
ReadingPlan plan_reading(std::span<const FoundSegment> found, const std::optional<Mark>& mark);

// Index entries, end of the index and mark, as the scan wants them; those from position `from` on.
std::vector<Checkpoint> checkpoints_of(const SegmentIndex* index, const std::optional<Checkpoint>& mark, uint64_t from = 0);
// Where the reading of a segment begins: at its beginning, or where a believed index (with its entries) ends. Null: there is none.
SegmentSummary start_of_reading(Offset base, const SegmentIndex* believed);

// One segment after reading, ascending, without those below the first.
struct ReadSegment {
  FoundSegment found;
  std::optional<ScanResult> scan;     // nothing: believed by its index
  bool cut = false;                   // was read again up to the place where `judge` cut it
};
struct KeptSegment {
  size_t which = 0;
  SegmentSummary summary;
  std::vector<BadRange> bad;
  bool zero_tail = false;             // bytes behind the end must become zeros
  bool cut_tail = false;              // and the file must end there: they were not read
};
struct Judgement {
  // Set: read that segment again with this limit, mark it as cut, and ask once more.
  struct Cut {
    size_t which = 0;
    uint64_t position = 0;
  };
  std::optional<Cut> cut;
  std::vector<KeptSegment> keep;
  std::vector<size_t> remove;
  std::vector<BadRange> bad;          // of the log, ascending by offset
  Offset first, next;
  bool cut_tail = false;
  bool restart = false;               // nothing is kept: begin a segment at `next`
  bool damaged() const noexcept { return !bad.empty(); }
};
Judgement judge(std::span<const ReadSegment> segments, const std::optional<Mark>& mark);

}  // namespace ion::storage_mmap
