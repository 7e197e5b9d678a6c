// Puts batches to the end of a log: checks that they are what their descriptors say, writes them with one pwrite into the active
// segment, and only then lets readers see them. A call is written whole into one segment or not at all.
// Thread: the holder of the log's write turn. Allocates nothing per batch.
#pragma once
#include "core/segment_tracker.h"
#include "io/log_state.h"
#include "io/segment_supply.h"
#include "io/storage_context.h"

#include <ion/contract/storage.h>

#include <atomic>
#include <optional>
#include <variant>
#include <vector>

namespace ion::storage_mmap {

class LogWriter {
 public:
  LogWriter(StorageContext& context, LogState& state, const RollRules& rules) : context_(context), state_(state) { configure(rules); }

  // The segment that is written on from now on; it is the last of the log's list already. It may rest: its file is closed, and has
  // to be opened (LogDisk::resume) before something is put into it.
  void begin(SegmentRef active);
  // There is no segment yet: the first append makes one.
  void begin_without(Offset next);
  // The active segment was opened again.
  void resumed() { body_ = active_->body(), resting_ = false; }
  // Nothing is written any more: lets go of the map.
  void end() { active_.reset(), body_.reset(); }

  struct NeedSegment {
    SegmentSize size;    // of the next one
    uint64_t bytes = 0;  // that it must hold
    // It has to bear its name before it is used. A recovery goes on in a segment without a name only if it begins exactly where
    // the log ended, since a gap could as well be what a power cut has lost; so one that begins with a gap needs its name. And
    // behind a write that failed in the middle lies what must not be found.
    bool name_first = false;
    bool first = false;   // the log has none yet
    bool resume = false;  // not another one: the active one has to be opened again, with `size`
  };
  using Appended = std::variant<Offset, NeedSegment, Status>;
  Appended append(std::span<const ion_batch> batches);
  // What an active segment that has bytes needs to be closed now.
  NeedSegment seal_needs() const;
  // The next segment, seen by nobody yet; then: closes the active one and goes on in it.
  SegmentRef segment_of(ReadySegment next) const { return segment_at(tracker_.next(), std::move(next)); }
  SegmentRef segment_at(Offset base, ReadySegment ready) const;
  void roll_to(SegmentRef next);

  // Nothing was appended since the log was opened: there is no segment, or its file is closed.
  bool rests() const noexcept { return active_ == nullptr || resting_; }
  bool has_bytes() const noexcept { return active_ != nullptr && tracker_.position() > 0; }
  // Any thread.
  void configure(const RollRules& rules) noexcept { segment_bytes_ = rules.segment_bytes, segment_age_ = rules.segment_age.n; }
  // Bytes that the system should begin to write out by now, so that dirty pages never pile up to its own threshold.
  struct Writeback {
    SegmentRef segment;
    uint64_t from = 0, bytes = 0;
  };
  std::optional<Writeback> take_writeback();  // nothing while there is no segment, or it rests
  // Segments that should wait ready.
  uint32_t wants_ahead() const noexcept;
  uint64_t next_bytes() const noexcept;
  Prepare prepare_next() const noexcept;
  uint64_t first_bytes() const noexcept { return first_capacity(segment_bytes_, 0); }

 private:
  Status check(std::span<const ion_batch> batches);
  Status write(uint64_t bytes);
  Instant began(WallMs first_append) const;
  ActiveFacts facts() const noexcept;
  bool is_flushed_often() const noexcept;
  RollRules rules() const noexcept { return {segment_bytes_, Nanos{segment_age_}}; }

  StorageContext& context_;
  LogState& state_;
  std::atomic<uint64_t> segment_bytes_{0};
  std::atomic<int64_t> segment_age_{0};
  SegmentRef active_;                  // null: there is none yet
  std::shared_ptr<SegmentBody> body_;  // of the active segment, unless it rests
  bool resting_ = false;
  SegmentTracker tracker_;
  Instant first_append_;
  WallMs last_append_{-1};  // of the log
  bool retired_ = false, has_rolled_ = false;
  uint64_t written_back_ = 0;
  uint64_t flushes_before_ = 0, taken_before_ = 0;  // when writing on the active segment began
  bool flushed_often_ = false;                      // the segment before was
  // Of the call in progress; members so that they keep their memory.
  SegmentTracker ahead_;
  std::vector<Checkpoint> new_entries_;
  std::vector<ion_buf> parts_;
};

}  // namespace ion::storage_mmap
