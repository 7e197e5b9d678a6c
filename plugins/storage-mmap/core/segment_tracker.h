// Follows the end of a segment while batches are put to it: where it is, what offset comes next, the running digest, and which
// batches deserve an entry in the sparse index. A small value: copy it, try, and keep the copy only if the write succeeded.
// Pure. Thread: its owner's.
#pragma once
#include "core/segment_format.h"

#include <algorithm>
#include <optional>

namespace ion::storage_mmap {

class SegmentTracker {
 public:
  SegmentTracker() = default;
  SegmentTracker(Offset base, uint64_t interval) noexcept
      : at_{base, base, 0, digest_seed(base)}, interval_(interval) {}
  // Goes on behind what is known; the next batch gets an entry.
  SegmentTracker(const SegmentSummary& known, uint64_t interval) noexcept : at_(known), interval_(interval), wanted_(true) {}

  // Takes the batch that lies at position(). The entry it deserves, if any.
  std::optional<Checkpoint> add(const uint8_t* raw, const batch::Header& header) noexcept {
    ION_ASSERT(header.base_offset >= at_.next);
    std::optional<Checkpoint> entry;
    if (wanted_ || at_.end == 0 || at_.end - entry_at_ >= interval_) {
      entry = Checkpoint{header.base_offset, at_.end, at_.digest, at_.time_max};
      entry_at_ = at_.end, wanted_ = false;
    }
    at_.digest = extend_digest(at_.digest, raw);
    at_.next = header.next_offset();
    at_.end += header.total_bytes();
    at_.epoch = header.leader_epoch;
    if (header.max_time > at_.time_max) at_.time_max = header.max_time;
    return entry;
  }

  // What was added since the last call was appended at this time, which is never before that of earlier ones.
  void appended(WallMs now) noexcept {
    if (at_.first_append.ms < 0) at_.first_append = now;
    at_.last_append = std::max(at_.last_append, now);
  }

  // Bytes that are no batch were passed, or the chain begins anew at a checkpoint: the next batch gets an entry.
  void jump(uint64_t position, Offset next) noexcept { at_.end = position, at_.next = next, wanted_ = true; }
  void rebase_digest(uint32_t digest) noexcept { at_.digest = digest, wanted_ = true; }

  const SegmentSummary& summary() const noexcept { return at_; }
  uint64_t position() const noexcept { return at_.end; }
  Offset next() const noexcept { return at_.next; }

 private:
  SegmentSummary at_;
  uint64_t interval_ = 0;
  uint64_t entry_at_ = 0;
  bool wanted_ = false;
};

}  // namespace ion::storage_mmap
