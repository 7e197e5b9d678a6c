// One log in memory: the model that every other storage is compared with, so each rule of ion.storage/1 stands here in its
// plainest form. Batches lie behind each other in pieces of counted memory; a read is a slice of one piece.
// Bytes that were handed out never change: what was cut is never written over, the log goes on in another piece.
// Pure. Thread: its owner's.
#pragma once
#include <ion/abi/contract/storage.h>
#include <ion/bytes.h>
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ion::storage_memory {

struct ReadBounds {
  Offset from, upto;
  uint64_t bytes_max = 0;
};
struct Slice {
  Buf bytes;  // may be empty
  Offset base, next;
};

class MemoryLog {
 public:
  explicit MemoryLog(uint64_t piece_bytes) : piece_bytes_(piece_bytes) {}

  // All or nothing. Answers the log's next.
  Result<Offset> append(std::span<const ion_batch> batches, WallMs now);
  // Whole batches from the one that holds `from`, or the next; none that ends above upto; at least one, even above bytes_max.
  Result<Slice> read(const ReadBounds& bounds) const;
  // The first batch that ends above `from`, has records, and whose greatest record time is `time` or later. NOT_FOUND.
  struct AtTime {
    Offset base;
    WallMs time;
  };
  Result<AtTime> find_time(Offset from, WallMs time) const;
  // Ends the log with the last batch that ends at or below `from`; without one, at its first offset.
  Status truncate_suffix(Offset from);
  // The log begins exactly here. Beyond its end: it becomes empty and goes on there.
  void truncate_prefix(Offset before);
  void seal() { open_piece_ = false; }

  // Replaces the sealed pieces that are [base, next): the answer names the replacement in the calls that follow. INVALID: there are no such
  // pieces; BUSY: one is open.
  Result<uint64_t> begin_replacement(Offset base, Offset next);
  // All or nothing, like append. CLOSED: this replacement was ended.
  Status append_to_replacement(uint64_t which, std::span<const ion_batch> batches);
  // Ends it when it answers OK. INVALID: its last batch does not end at `next`; CONFLICT: the range was truncated.
  Status commit_replacement(uint64_t which);
  void abort_replacement(uint64_t which);
  void abort_replacement() { replacement_.reset(); }  // whichever is open
  void set_piece_bytes(uint64_t n) noexcept { piece_bytes_ = n; }

  Offset first() const noexcept { return first_; }
  Offset next() const noexcept { return next_; }
  Offset sealed() const noexcept;
  uint64_t bytes() const noexcept;
  std::vector<ion_range> sealed_ranges(Offset from, size_t cap) const;
  WallMs last_append() const noexcept { return last_append_; }  // -1: none yet
  WallMs active_since() const noexcept { return open_piece_ ? pieces_.back().first_append : WallMs{-1}; }

  // All items or none; a value that points nowhere deletes.
  Status meta_put(std::span<const ion_field> items);
  const std::vector<uint8_t>* meta(std::string_view key) const;

 private:
  struct Placed {
    Offset base, next;
    uint64_t at = 0, bytes = 0;
    int64_t time_max_ms = 0;
    bool empty = false;  // a header without records
  };
  struct Piece {
    Offset base;  // the log's next when it began
    Buf memory;
    uint8_t* to = nullptr;
    uint64_t used = 0;
    WallMs first_append, last_append;
    std::vector<Placed> batches;
  };
  struct Replacement {
    uint64_t number = 0;
    Offset base, next;
    Offset reached;          // the end of its last batch; before the first, where the first of the old pieces begins
    bool truncated = false;  // the range was
    std::vector<uint8_t> bytes;
    std::vector<Placed> batches;
  };
  static Status check(std::span<const ion_batch> batches, Offset least);
  static Placed placed(const ion_batch& batch, uint64_t at, const uint8_t* bytes);
  Result<Replacement*> replacement(uint64_t which);
  struct Run {
    size_t first = 0, n = 0;
  };
  Run sealed_run(Offset base, Offset next) const;  // n is 0: there is none

  uint64_t piece_bytes_;
  Offset first_, next_;
  WallMs last_append_{-1};
  std::vector<Piece> pieces_;
  bool open_piece_ = false;  // the last piece takes more
  std::optional<Replacement> replacement_;
  uint64_t replacements_ = 0;
  std::map<std::string, std::vector<uint8_t>, std::less<>> meta_;
};

}  // namespace ion::storage_memory
