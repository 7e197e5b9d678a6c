// One compaction of sealed segments: the batches that take their place are written into a file beside them, and commit() puts that file
// there. What a crash leaves is decided by one rename:
//
//   replacement.log       the batches, flushed when commit() begins
//   replacement.index     their index, flushed; it says which offsets they cover
//   <base>.commit         the same file under another name: the moment of commit. From here on the segment `base` is replacement.log,
//                         or, without one, <base>.log, and every segment that begins inside the offsets of the index is gone
//   <base>.index          the same file again, once all other names are as they must be
//
// Between two of these steps stands a flush of the directory, so that no later one survives a power cut without the earlier. Whoever
// opens the log does what remains (finish_commit), or removes a replacement without a commit.
//
// Thread: BLOCKING, one call at a time, and none beside a truncation (LogCore).
#pragma once
#include "core/segment_tracker.h"
#include "io/log_disk.h"

#include <atomic>
#include <memory>
#include <vector>

namespace ion::storage_mmap {

// shared_ptr: its handle and the log both know it, and either may end it.
class SegmentRewrite {
 public:
  // INVALID: [base, next) is not one or several whole sealed segments. Touches no file yet.
  static Result<std::shared_ptr<SegmentRewrite>> begin(StorageContext& context, LogState& state, Offset base, Offset next);

  // All or nothing; INVALID and NO_SPACE leave what is there as it was.
  Status append(std::span<const ion_batch> batches);
  // Durable and seen when it answers OK. Any failure before the moment of commit leaves the log as it was, a later one fails the log.
  Status commit(LogDisk& disk);
  // Removes its files. Nothing to do once it was committed.
  void drop();

  // Any thread. It takes nothing more: it was committed or dropped.
  bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  void end() noexcept { ended_.store(true, std::memory_order_release); }

 private:
  SegmentRewrite(StorageContext& context, LogState& state, Offset base, Offset next, std::vector<SegmentRef> replaced);
  Status wrong(Code code, std::string_view what) const;
  bool is_still_there() const;
  Status make_room(uint64_t bytes);
  // Closes the file at its end: the segment that it will be.
  Result<SegmentRef> finish();
  Status prepare_marks(LogDisk& disk) const;
  Status put_in_place();
  Status fail(Status why);

  StorageContext& context_;
  LogState& state_;
  const Offset base_, next_;
  const std::vector<SegmentRef> replaced_;
  std::unique_ptr<SegmentFile> file_;     // null before the first batch, and when it is finished
  SegmentTracker tracker_;
  std::vector<Checkpoint> entries_;
  uint64_t written_back_ = 0;
  bool has_files_ = false;
  std::atomic<bool> ended_{false};
};

// Does what remains of a commit that was interrupted, and removes what an interrupted replacement left. Before the segments of the log are
// listed. BLOCKING
Status finish_commit(StorageContext& context, const LogState& state, const std::vector<DirEntry>& entries);

}  // namespace ion::storage_mmap
