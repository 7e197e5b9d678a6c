// Group commit: one job on the blocking pool flushes for everybody who waits, all logs of the instance in one round, and begins
// the next round at once while somebody waits. At most one round at a time: flushes of one device do not gain by overlapping.
//
// A round: each log with waiters makes durable what was appended when its turn came; then the marks are written (flushed with the
// next round, or now when nobody waits). A failed flush answers FAILED to all waiters of that log. What waiters do when they hear it
// never stands between two flushes: they are answered by jobs of their own while others wait, and else by the job of the round, which
// has left the role of the flusher before, so that a request that comes meanwhile begins a round of its own.
// Thread: any; the round is BLOCKING.
#pragma once
#include "io/blocking_jobs.h"

#include <ion/ids.h>

#include <memory>
#include <mutex>
#include <vector>

namespace ion::storage_mmap {

// A log as the flusher sees it. BLOCKING.
class SyncTarget {
 public:
  virtual ~SyncTarget() = default;
  virtual Result<Offset> sync_now() = 0;   // the durable end; with its mark, if that must be exact
  virtual Status write_mark() = 0;         // of what was made durable; not flushed

 private:
  friend class Flusher;
  struct Waiter {
    Offset upto;
    Later later;
  };
  std::vector<Waiter> waiters_;  // guarded by the flusher's lock
  bool queued_ = false;
};

class Flusher {
 public:
  // `flush_marks` makes written marks durable; it is called when a round leaves nobody waiting.
  using FlushMarks = Status (*)(void* ctx);
  Flusher(BlockingJobs& jobs, FlushMarks flush_marks, void* ctx) : jobs_(jobs), flush_marks_(flush_marks), ctx_(ctx) {}

  // Answers when the log is durable up to `upto`, which has been appended. OVERLOADED when too many wait for this log.
  void request(const std::shared_ptr<SyncTarget>& log, Offset upto, Later later);
  // Waiters above `next` wait for what a truncation has cut: CANCELLED.
  void cancel_above(SyncTarget& log, Offset next);
  // The log became durable or failed outside a round (close).
  void tell(SyncTarget& log, const Result<Offset>& durable);

  uint64_t rounds() const;

 private:
  enum class Role { kKept, kLeft };  // kLeft: somebody else may flush already
  void run();
  Role round(const std::vector<std::shared_ptr<SyncTarget>>& logs);
  // On another thread of the pool, or here when that is full.
  void answer_later(std::vector<SyncTarget::Waiter> waiters, const Result<Offset>& durable);
  static void answer(std::vector<SyncTarget::Waiter>& waiters, const Result<Offset>& durable);
  std::vector<SyncTarget::Waiter> take_waiters(SyncTarget& log, const Result<Offset>& durable);

  BlockingJobs& jobs_;
  const FlushMarks flush_marks_;
  void* const ctx_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<SyncTarget>> queue_;  // logs with waiters; at most one entry per log
  bool running_ = false;
  uint64_t rounds_ = 0;
};

}  // namespace ion::storage_mmap
