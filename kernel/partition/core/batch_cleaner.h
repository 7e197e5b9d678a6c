// Which records of stored batches survive a compaction, and the batches that are left: a pure transformation of [base, next) of a log,
// batch by batch in offset order, into batches that cover the same offsets without a gap.
//
//   record      goes when its key has a newer record; when it has no key; a tombstone when its batch's horizon has passed
//   batch       nothing goes: as it was, not even opened twice · some go: the rest with the same offsets, sequences and last offset delta,
//               its times and checksum made anew, its codec kept · all go: its header alone if it is the newest batch of a producer that
//               is still known, else it becomes part of a run
//   first one   a log may begin within a batch, which is taken as it is
//   run         offsets without a record, of one batch or many: one batch without records and without a producer covers it
//
// A tombstone that is met for the first time gives its batch a horizon, as Kafka writes it: attribute bit 6, and the base time is the
// time from which on it may go; record times are kept by their deltas, which are negative then. Batches of control records stay.
// Pure. Thread: its owner's. Source: Kafka's Cleaner and MemoryRecords.filterTo, KIP-534.
#pragma once
#include "partition/core/key_offsets.h"

#include <codecs/batches.h>
#include <ion/record_batch.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace ion::partition {

// The newest batch of every producer that is known, by id: what may not go.
class NewestBatches {
 public:
  using Item = std::pair<ProducerId, Offset>;
  NewestBatches() = default;
  explicit NewestBatches(std::vector<Item> items);
  bool has(ProducerId producer, Offset base) const noexcept;

 private:
  std::vector<Item> items_;
};

// Contexts of the compression libraries, and where an opened batch lies. Kept for a run.
struct CleaningTools {
  codecs::Decompressor decompressor;
  codecs::Compressor compressor;
};

struct CleaningRules {
  KeySecret secret{};
  Offset upto;              // of the keys: records at or above it stay
  WallMs now, horizon;      // of this run: what a tombstone that is met for the first time gets
  uint64_t opened_bytes_max = uint64_t{1} << 30;  // of one batch without its compression
};

// Puts the keys of a stored batch at or above `from` into `to`, up to where there is room: the offset of the first record that is not in
// it, or behind the batch. CORRUPT with its offsets where the batch cannot be read.
Result<Offset> collect_keys(std::span<const uint8_t> batch, Offset from, const CleaningRules& rules, CleaningTools& tools, KeyOffsets& to);

struct CleanedCounts {
  uint64_t records = 0, removed = 0, tombstones_removed = 0;
  uint64_t bytes_in = 0, bytes_out = 0;
};

class BatchCleaner {
 public:
  // One batch of the result: `stored`, as it was, or bytes of the cleaner's.
  struct Out {
    batch::Header header;
    std::span<const uint8_t> stored;  // of what clean() was given
    std::vector<uint8_t> made;
    std::span<const uint8_t> bytes() const noexcept { return made.empty() ? stored : std::span<const uint8_t>(made); }
  };

  // Everything given outlives it. It goes over [base, ...).
  BatchCleaner(const KeyOffsets& newest, const NewestBatches& producers, const CleaningRules& rules, CleaningTools& tools, Offset base)
      : newest_(newest), producers_(producers), rules_(rules), tools_(tools), covered_(base) {}

  // The next stored batch; appends what is finished by it to `out`. What `out` has of it is its bytes or a copy. CORRUPT with its offsets
  // where the batch cannot be read.
  Status clean(std::span<const uint8_t> batch, std::vector<Out>& out);
  // Covers what is left up to `next`.
  void finish(Offset next, std::vector<Out>& out);

  bool changed() const noexcept { return changed_; }  // so far the result is not what was stored
  const CleanedCounts& counts() const noexcept { return counts_; }
  WallMs tombstones_due() const noexcept { return tombstones_due_; }  // the earliest horizon of the tombstones that stay; -1: none

 private:
  struct Judged;
  Result<Judged> judge(std::span<const uint8_t> whole);
  void leave_out(std::span<const uint8_t> stored, const batch::Header& h);
  void put(Out next, std::vector<Out>& out);
  void cover(Offset upto, std::vector<Out>& out);
  void note_horizon(WallMs at) noexcept { tombstones_due_ = tombstones_due_.ms < 0 ? at : std::min(tombstones_due_, at); }
  std::vector<uint8_t> rebuild(std::span<const uint8_t> whole, const batch::Header& stored, const Judged& judged);

  const KeyOffsets& newest_;
  const NewestBatches& producers_;
  const CleaningRules& rules_;
  CleaningTools& tools_;
  Offset covered_;       // offsets below are in the result
  Epoch epoch_{0};       // of the newest batch
  bool changed_ = false;
  // The run behind `covered_`, if it is one stored batch without records and nothing else: it stays as it is.
  std::vector<uint8_t> lone_;
  CleanedCounts counts_;
  WallMs tombstones_due_{-1};
};

}  // namespace ion::partition
