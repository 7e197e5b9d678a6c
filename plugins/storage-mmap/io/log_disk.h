// What blocking threads do with the files of one log, one thread at a time: give new segments their names, flush, seal, note the
// durable mark. A lock is held across I/O here, and only blocking threads that take no other lock ever wait for it; appends and
// reads never touch it.
#pragma once
#include "core/mark_format.h"
#include "io/log_state.h"
#include "io/storage_context.h"

#include <mutex>

namespace ion::storage_mmap {

class LogDisk {
 public:
  LogDisk(StorageContext& context, LogState& state) : context_(context), state_(state) {}
  // What recovery found and wrote; before anything else.
  void begin(const Mark& mark) { mark_ = mark; }

  // Makes durable what has been appended; answers up to where. NO_SPACE: a name or a mark found no space, nothing was lost, and it may
  // be asked again. IO and worse, and every failed flush, fail the log for good.
  Result<Offset> sync();
  // The mark of what was made durable, not flushed; nothing to do for logs with an exact mark.
  Status write_mark();
  // A hint to the system that these bytes may be written out now. Of the segment that is written on a checkpoint when it is due: its index as
  // far as it is durable, so that a start after a kill need not read what lies below.
  void write_back(Segment& segment, uint64_t from, uint64_t bytes);
  // Names, flushes, indexes and closes every segment but the last. May be called at any time, any number of times.
  Status settle();
  // Opens the last segment to be written on again and makes it `size` bytes long: of a log that was closed in order it is opened
  // by the first append. It is loaded already. NO_SPACE and OVERLOADED (no descriptor) leave everything as it was.
  Status resume(Segment& segment, SegmentSize size);
  // The same as settle with the last one, and a mark that says so.
  Status close();
  // After close, when nobody writes any more: closes the files, and gives back what the last one has behind its end.
  void release();

  // Removes the files of a segment that is in no list any more: nobody else touches them, so flushes need not wait for it. Its bytes stay
  // while somebody holds them.
  Status remove_gone(Segment& segment);

  // A truncation holds the disk while it works; it may do so while it holds the log's write turn.
  class Hold {
   public:
    explicit Hold(LogDisk& disk) : disk_(disk), lock_(disk.mutex_) {}
    Status settle() { return disk_.settle_held(); }
    Result<Offset> sync() { return disk_.sync_held(); }
    // Names the file of a segment that nobody sees yet, durably.
    Status name(Segment& segment) { return disk_.name_held(segment); }
    // Removes the file of a segment that nobody sees and that got no name.
    void discard(Segment& segment);
    Status sync_names();
    // The mark as it must be from now on, flushed.
    Status move_mark(const Mark& mark);
    Mark mark() const { return disk_.mark_; }
    // Unlinks a segment that is no part of the log any more; its bytes stay while somebody holds them.
    Status remove_files(Segment& segment) { return disk_.remove_gone(segment); }
    // The index file does not say where the segment ends now; settle writes another.
    static void forget_index(Segment& segment) { segment.disk.indexed = false; }
    // Nobody vouches for what this segment is: it gets no index.
    static void forgo_index(Segment& segment) { segment.disk.indexed = true; }

   private:
    LogDisk& disk_;
    const std::lock_guard<std::mutex> lock_;
  };

 private:
  Status resume_file(Segment& segment, uint64_t capacity);
  Result<Offset> sync_held();
  Status settle_held();
  Status name_held(Segment& segment);
  Status flush_held(Segment& segment, uint64_t upto);
  Status index_held(Segment& segment);
  Status write_index(Segment& segment, const SegmentSummary& upto);
  Status checkpoint_held(Segment& segment);
  void give_back_tail(Segment& segment);
  Status fail(Status why);
  Status fail_unless_full(Status why);

  StorageContext& context_;
  LogState& state_;
  std::mutex mutex_;
  Mark mark_;                 // what is durable
  bool mark_written_ = true;  // in the mark file
  Instant checkpoint_;        // when the last one was begun
  bool closed_ = false;
};

}  // namespace ion::storage_mmap
