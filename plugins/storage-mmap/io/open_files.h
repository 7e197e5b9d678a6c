// Bounds how many files of segments that are written on are open, for all logs of an instance: opening one more lets go of one that
// was not used lately, after what was written to it is on the disk. A log notices nothing: its next write opens the file again.
//
// Closing is only allowed for a file without unflushed bytes: a failed write-back is told to the handles that are open, so that one
// opened later could flush without an error and without the bytes.
// Thread: any; closing runs on the blocking pool.
#pragma once
#include "io/blocking_jobs.h"

#include <ion/ports.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace ion::storage_mmap {

class OpenFiles;

// One file, open or not. Held by shared_ptr: by its segment, and by a job that closes it.
class PooledFile : public std::enable_shared_from_this<PooledFile> {
 public:
  PooledFile(OpenFiles& pool, std::string path, std::unique_ptr<File> file) : pool_(pool), path_(std::move(path)), file_(std::move(file)) {}

  // The open file, opened again if need be: OVERLOADED when the process has no descriptor left. Nobody closes it while it is held.
  Result<std::shared_ptr<File>> use();
  // `change(File&)` on the open file. Unflushed from its end on: a flush covers what ended before it began, and while the file is
  // held here it is not closed.
  template <class Change>
  Status change(Change&& change) {
    ION_TRY(const std::shared_ptr<File> file, use());
    const Status changed = change(*file);
    dirty_.store(true, std::memory_order_release);
    return changed;
  }
  // Everything that was written before is on the disk. A file that was closed by the pool is flushed already.
  Status sync();
  // For good.
  Status close();
  void renamed(std::string path) {
    const std::lock_guard lock(mutex_);
    path_ = std::move(path);
  }

 private:
  friend class OpenFiles;
  // True: it is closed now. BLOCKING.
  bool flush_and_close();
  OpenFiles& pool_;
  // Held from the look at dirty_ until that flush has ended: a second flush must not answer before the first has. Taken before mutex_.
  std::mutex flush_mutex_;
  std::mutex mutex_;  // of path_, file_ and failure_; held while the file is opened
  std::string path_;
  std::shared_ptr<File> file_;
  Status failure_;
  std::atomic<bool> dirty_{true};  // what another process wrote may be in the page cache only
  std::atomic<bool> used_lately_{true};
};

class OpenFiles {
 public:
  OpenFiles(Files& files, BlockingJobs& jobs, uint32_t files_max) : files_(files), jobs_(jobs), files_max_(files_max) {}
  Files& files() noexcept { return files_; }
  // It was opened just now.
  void add(const std::shared_ptr<PooledFile>& file);

 private:
  std::shared_ptr<PooledFile> take_idle();
  void close_one(std::shared_ptr<PooledFile> idle);  // BLOCKING
  Files& files_;
  BlockingJobs& jobs_;
  const size_t files_max_;
  std::mutex mutex_;
  std::deque<std::weak_ptr<PooledFile>> open_;  // the longest open first
};

}  // namespace ion::storage_mmap
