// Answers reads of one log: slices of maps, whole batches, at once where the segment is open and checked, else from the blocking
// pool. Thread: any, beside appends.
#pragma once
#include "io/log_state.h"
#include "io/segment_loader.h"
#include "io/storage_context.h"

#include <ion/contract/storage.h>

#include <optional>

namespace ion::storage_mmap {

class LogReader {
 public:
  LogReader(StorageContext& context, LogState& state) : context_(context), state_(state) {}

  // An answer that needs no waiting, or nothing: then ask answer_slowly() on the blocking pool.
  struct Found {
    Status status;          // a refusal
    Offset base, next;
    Buf bytes;              // may be empty
  };
  std::optional<Found> find(const ReadBounds& bounds);
  void answer_slowly(Later later, const ReadBounds& bounds);
  // The same answer. BLOCKING.
  Found wait_for(const ReadBounds& bounds);

  // Opens the segment, if it is closed. Damage that is found is published. BLOCKING.
  Status load(const SegmentRef& segment);

  // The last batch that ends at or below `upto` in this segment: what the segment is when it ends there. BLOCKING.
  Result<SegmentSummary> summary_at(const SegmentRef& segment, Offset upto);
  // The same map, without index entries from `end` on.
  static std::shared_ptr<SegmentBody> body_below(const Segment& segment, uint64_t end);

  // Damage that was found, in the list and in the log of the broker; what went with the beginning of the log is not told.
  void publish(const std::vector<Damage>& damage);
  // CORRUPT with the range, what happened, and what to do.
  static Status corrupt(const std::string& log, const BadRange& bad);

 private:
  std::optional<Found> find_in(const SegmentsNow& list, const SegmentRef& segment, const ReadBounds& bounds);
  // Opens or checks what the read needs. Damage that was found is published.
  Status prepare(const ReadBounds& bounds);
  StorageContext& context_;
  LogState& state_;
};

}  // namespace ion::storage_mmap
