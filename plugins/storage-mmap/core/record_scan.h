// Reads a segment from a place on and says what of it can be believed: whole batches, damage between them, and where it ends.
//
// A bad batch proves nothing about those behind it: after a power cut sectors of later batches may be there and earlier ones
// not. So the scan goes on behind damage, byte by byte, until a batch with a right CRC and a fitting offset begins, and leaves
// the judgement (torn tail or corruption?) to the recovery plan, which knows the durable mark. What the CRC does not cover is
// checked against checkpoints (index entries, durable mark): between two of them the running digest must agree.
//
// The driver hands in bytes: while (auto want = scan.wants()) scan.feed(bytes from want->at on). Pure. Bounded: each byte is
// read once, and a few times more where damage looks like the beginning of batches. Thread: its owner's.
#pragma once
#include "core/offset_index.h"
#include "core/segment_tracker.h"

#include <optional>
#include <span>
#include <vector>

namespace ion::storage_mmap {

struct BadRange {
  Offset from, upto;  // offsets that cannot be read; equal when only bytes between two batches are bad
  uint64_t position = 0, position_end = 0;
  Fault why = Fault::kNone;
};

struct ScanSpec {
  SegmentSummary start;             // where to begin: {base, base, 0, digest_seed(base)} for a whole segment
  uint64_t limit = 0;               // bytes of the file, or where to stop
  Offset stop_at{INT64_MAX};        // base of the segment behind: batches from there on were cut by a truncation
  uint64_t interval = 0;            // of index entries
  std::vector<Checkpoint> checkpoints;  // ascending, none before the start
  // Bytes of the file below which everything was durable, and nothing above; nothing: not known. Zeros at or above it are an end: what lies
  // far behind them is not looked at.
  std::optional<uint64_t> durable = std::nullopt;
};
inline constexpr uint64_t kSectorBytes = 512;  // of disks; larger ones are multiples of it
inline constexpr uint64_t kTailLookedAt = kPageBytes;  // bytes of zeros: what a torn write leaves shows in its first pages

struct ScanResult {
  SegmentSummary summary;           // end and next of the last batch that can be believed
  std::vector<Checkpoint> entries;
  std::vector<BadRange> bad;        // ascending; batches behind each of them can be believed again
  Fault end = Fault::kNone;         // why it ended there; kNone: at the limit, or at stop_at
  bool dirty_tail = false;          // bytes behind the end are not all zero
  bool tail_unread = false;         // nobody knows that of all of them
};

class RecordScan {
 public:
  explicit RecordScan(ScanSpec spec);

  struct Want {
    uint64_t at = 0, n = 0;  // at least n bytes from `at` on; there are so many before the limit
  };
  // Nothing: the scan is over.
  std::optional<Want> wants() const noexcept { return want_; }
  // `window` begins at wants()->at and holds at least what was wanted; more saves rounds.
  void feed(std::span<const uint8_t> window);
  // A whole segment that is in memory.
  static ScanResult run(ScanSpec spec, std::span<const uint8_t> bytes);

  ScanResult finish() &&;

 private:
  enum class Mode {
    kReading,    // cursor_ is the end of what is believed
    kHopping,    // cursor_ is where the bad batch says that it ends: the first place to look at
    kSearching,  // cursor_ is the next candidate, byte by byte
    kDone
  };
  // Each takes one step at cursor_ and answers false when it needs more bytes than `rest` holds (want_ says how many).
  bool read_batch(std::span<const uint8_t> rest);
  bool hop(std::span<const uint8_t> rest);
  bool search_batch(std::span<const uint8_t> rest);

  bool need(uint64_t n, std::span<const uint8_t> rest);
  void accept(const uint8_t* raw, const batch::Header& header);
  void fault(Fault why, std::optional<uint64_t> claimed_bytes = std::nullopt);
  // Does a whole batch begin at cursor_, so that reading can go on here? Nothing: more bytes are needed.
  std::optional<bool> resume_here(std::span<const uint8_t> rest);
  bool is_torn_offset(const batch::Header& header) const;
  void doubt_offsets(const batch::Header& header);
  void pass_checkpoints();
  void add_bad(const BadRange& range);
  void finish_at(Fault why);

  ScanSpec spec_;
  ScanResult result_;
  SegmentTracker tracker_;
  Mode mode_ = Mode::kReading;
  std::optional<Want> want_;
  uint64_t cursor_ = 0;
  Fault why_ = Fault::kNone;  // of the search
  uint64_t distrusted_ = 0;   // no batch that begins before is believed by the search
  uint64_t search_budget_;    // bytes whose CRC may still be computed while searching
  size_t next_checkpoint_ = 0;
  Checkpoint last_checkpoint_;
  bool chain_whole_ = true;   // since last_checkpoint_
  struct Last {               // the batch before, to be able to take it back
    SegmentTracker before;
    uint64_t position = 0;
    bool valid = false;
  } last_;
};

}  // namespace ion::storage_mmap
