// What all threads know of one open log: its segments, how far it reaches, and whether it still works. Shared by its write side,
// readers, the flusher and blocking jobs.
#pragma once
#include "core/roll_policy.h"
#include "io/directory_layout.h"
#include "io/segment_list.h"

#include <ion/ports.h>

#include <atomic>
#include <mutex>
#include <string>

namespace ion::storage_mmap {

// Whether the directory of a log would be there after a power cut. A log that nothing was ever written to may be lost with it, so
// that making one costs no flush. Held by shared_ptr: meta items and segments settle it, whichever comes first.
class DirectoryName {
 public:
  void is_durable() noexcept { durable_.store(true, std::memory_order_release); }
  // BLOCKING. Before anything in the directory counts as durable.
  Status settle(Files& files) {
    if (durable_.load(std::memory_order_acquire)) return {};
    ION_CHECK(files.sync_dir(kLogsPath));
    is_durable();
    return {};
  }

 private:
  std::atomic<bool> durable_{false};
};

class LogState {
 public:
  LogState(std::string log_name, const Owner& log_owner, bool with_exact_mark)
      : name(std::move(log_name)), directory(name), owner(log_owner), log_class(class_of(name)), exact_mark(with_exact_mark) {}
  const std::string name;
  const LogDirectory directory;
  const Owner owner;
  const LogClass log_class;
  const bool exact_mark;
  bool cut_tail = false;  // before the log is handed out
  const std::shared_ptr<DirectoryName> directory_name = std::make_shared<DirectoryName>();

  // ---- any thread
  SegmentsNow segments() const {
    const std::lock_guard lock(mutex_);
    return segments_;
  }
  Offset next() const noexcept { return {next_.load(std::memory_order_acquire)}; }
  Offset durable() const noexcept { return {durable_.load(std::memory_order_acquire)}; }

  // Why it can do no more than read; OK while it works.
  Status failure() const {
    if (!failed_.load(std::memory_order_acquire)) return {};
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  void fail(const Status& why) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = Status(ION_E_FAILED, "log " + name + " failed: " + why.message());
    failed_.store(true, std::memory_order_release);
  }

  bool damaged() const noexcept { return damaged_.load(std::memory_order_acquire); }
  // Of the list as it is now.
  void note_damage() {
    const std::lock_guard lock(mutex_);
    damaged_.store(!segments_->damage().empty(), std::memory_order_release);
  }

  // Flushes of the active segment that somebody asked for, since the log was opened.
  uint64_t flushes() const noexcept { return flushes_.load(std::memory_order_relaxed); }
  void count_flush() noexcept { flushes_.fetch_add(1, std::memory_order_relaxed); }

  void set_durable(Offset upto) noexcept { durable_.store(upto.v, std::memory_order_release); }

  // Whether readers still get this segment: a compaction or a truncation may have taken it out since, and then its names are others' files.
  bool has(const std::shared_ptr<Segment>& segment) const { return segments()->find(segment->base()) == segment; }
  // Held while a reader writes an index again, so that it is not the index of a segment that was taken out meanwhile.
  mutable std::mutex indexes_built_again;

  // ---- the holder of the write turn, and for a compaction that of the turn of replacements
  void set_next(Offset next) noexcept { next_.store(next.v, std::memory_order_release); }
  // Replaces the list by what `change` makes of it.
  template <class Change>
  void change_segments(Change&& change) {
    SegmentsNow before;  // goes outside the lock
    const std::lock_guard lock(mutex_);
    SegmentsNow after = change(*segments_);
    before = std::exchange(segments_, std::move(after));
  }
  void begin(SegmentsNow segments, Offset next, Offset durable) {
    segments_ = std::move(segments);
    set_next(next), set_durable(durable);
  }

 private:
  mutable std::mutex mutex_;  // of segments_ and failure_; held for a copy
  SegmentsNow segments_;
  Status failure_;
  std::atomic<int64_t> next_{0}, durable_{0};
  std::atomic<uint64_t> flushes_{0};
  std::atomic<bool> failed_{false}, damaged_{false};
};

}  // namespace ion::storage_mmap
