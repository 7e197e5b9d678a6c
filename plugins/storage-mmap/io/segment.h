// One segment of a log as readers see it: where it begins and ends, and, while it is open, its map and index. Any number of
// threads read it while one puts batches to its end. Closed ones are opened when they are read (segment_loader).
//
// Lifetime: shared_ptr, because readers work on a list of segments that may be replaced under them.
#pragma once
#include "core/read_window.h"
#include "core/record_scan.h"
#include "io/live_index.h"
#include "io/read_map.h"
#include "io/segment_file.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

namespace ion::storage_mmap {

// What a segment needs to be read. Held by shared_ptr: a reader may hold it while it is replaced.
struct SegmentBody {
  SegmentBody(std::shared_ptr<ReadMap> m, size_t index_capacity) : map(std::move(m)), index(index_capacity) {}
  SegmentBody(std::shared_ptr<ReadMap> m, const std::vector<Checkpoint>& entries, size_t more = 0)
      : map(std::move(m)), index(entries, more) {}
  const std::shared_ptr<ReadMap> map;
  LiveIndex index;

  // Of a segment that another process wrote: which stretches between index entries were checked against CRCs and digest. As long as
  // the index can become.
  std::unique_ptr<std::atomic<uint8_t>[]> checked;  // null: all of it
  bool is_checked(uint64_t at, uint64_t n) const;
  void set_checked(size_t first_entry, size_t last_entry) noexcept;
  void start_checking() { checked = std::make_unique<std::atomic<uint8_t>[]>(std::max<size_t>(1, index.capacity())); }
  // An entry for a batch that this process wrote. The one writer.
  void push(const Checkpoint& entry) noexcept;
};

// Bytes of a segment, both ends between batches.
struct ReadExtent {
  uint64_t begin = 0, end = UINT64_MAX;
};

class Segment {
 public:
  // What the disk side keeps of it. Touched by the blocking thread that holds the log's LogDisk, and before publication.
  struct DiskSide {
    std::unique_ptr<SegmentFile> file;  // null once it is sealed and closed
    uint64_t synced = 0;                // bytes
    bool named = false;                 // the file bears the base offset, durably
    bool indexed = false;               // the index file is there, and says where it ends
    uint64_t checkpoint = 0;            // bytes that an index file speaks of while the segment is written on
  };

  Segment(const SegmentSummary& known, DiskSide disk_side, uint64_t capacity);
  Offset base() const noexcept { return base_; }
  // Bytes of the file; changed by who holds LogDisk, and for the active segment the write turn too.
  uint64_t capacity() const noexcept { return capacity_.load(std::memory_order_relaxed); }
  void set_capacity(uint64_t bytes) noexcept { capacity_.store(bytes, std::memory_order_relaxed); }

  // ---- any thread
  uint64_t end() const noexcept { return end_.load(std::memory_order_acquire); }
  Offset next() const noexcept { return {next_.load(std::memory_order_acquire)}; }
  WallMs time_max() const noexcept { return {time_max_.load(std::memory_order_relaxed)}; }
  std::shared_ptr<SegmentBody> body() const;
  void set_body(std::shared_ptr<SegmentBody> body);
  // The same if it has none: several readers may open it at a time, and its writer may have been quicker.
  void offer_body(std::shared_ptr<SegmentBody> body);
  // The body that is written on: it stays until unpin(), whatever BodyCache says.
  void pin_body(std::shared_ptr<SegmentBody> body);
  void unpin();
  // Closes it, unless its body is pinned.
  void drop_body();
  // Once read whole, a segment needs no checking when it is opened again.
  bool trusted() const noexcept { return trusted_.load(std::memory_order_acquire); }
  void trust() noexcept { trusted_.store(true, std::memory_order_release); }

  std::atomic<bool> read_lately{false}, cached{false};  // BodyCache's
  std::atomic<int64_t> looked_at_ms{-1};                // Scrubber's: by the wall clock, -1: never

  // What a read in this segment answers, with its bytes brought in. No byte outside of `readable` is looked at. OK with no bytes: nothing
  // qualifies here.
  Result<ReadWindow> window(const SegmentBody& body, const ReadBounds& bounds, const ReadExtent& readable) const;

  // ---- the holder of the log's write turn
  void publish(const SegmentSummary& now) noexcept;
  // Batches behind `now` do not belong to the log any more. Their bytes stay: somebody may hold them.
  void cut(const SegmentSummary& now, std::shared_ptr<SegmentBody> body);
  SegmentSummary summary() const;

  DiskSide disk;

 private:
  const Offset base_;
  std::atomic<uint64_t> capacity_;
  std::atomic<uint64_t> end_;
  std::atomic<int64_t> next_;
  std::atomic<int64_t> time_max_;
  std::atomic<bool> trusted_{false};
  mutable std::mutex mutex_;  // of what follows; held for a copy
  std::shared_ptr<SegmentBody> body_;
  bool pinned_ = false;
  SegmentSummary summary_;
};

}  // namespace ion::storage_mmap
