#include "io/open_files.h"

#include <ion/simulated_bug.h>

#include <utility>

namespace ion::storage_mmap {

Result<std::shared_ptr<File>> PooledFile::use() {
  used_lately_.store(true, std::memory_order_relaxed);
  std::shared_ptr<File> file;
  {
    const std::lock_guard lock(mutex_);
    ION_CHECK(failure_);
    if (file_ != nullptr) return file_;
    ION_TRY(std::unique_ptr<File> opened, pool_.files().open(path_, ION_FILE_READ | ION_FILE_WRITE));
    file = file_ = std::move(opened);
  }
  pool_.add(shared_from_this());
  return file;
}

Status PooledFile::sync() {
  const std::lock_guard flushing(flush_mutex_);
  std::shared_ptr<File> file;
  {
    const std::lock_guard lock(mutex_);
    ION_CHECK(failure_);
    if (!dirty_.exchange(false, std::memory_order_acq_rel)) return {};
    file = file_;
  }
  ION_ASSERT(file != nullptr);  // only a clean one is closed
  Status flushed = file->sync_data();
  if (flushed.ok() || !ION_BUG(retry_failed_fsync)) return flushed;
  const std::lock_guard lock(mutex_);
  ION_TRY(file_, pool_.files().open(path_, ION_FILE_READ | ION_FILE_WRITE));
  return file_->sync_data();
}

Status PooledFile::close() {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<File> file = std::exchange(file_, nullptr);
  return file == nullptr ? Status() : file->close();
}

bool PooledFile::flush_and_close() {
  const std::lock_guard flushing(flush_mutex_);
  std::shared_ptr<File> file;
  bool dirty = false;
  {
    const std::lock_guard lock(mutex_);
    if (file_ == nullptr) return true;
    file = file_;
    dirty = dirty_.exchange(false, std::memory_order_acq_rel);
  }
  const Status flushed = dirty ? file->sync_data() : Status();
  const std::lock_guard lock(mutex_);
  if (!flushed.ok()) {
    failure_ = flushed;  // the log hears it at its next write or sync
    return false;
  }
  constexpr long kOurs = 2;  // file_ and file
  if (file_ != file || file.use_count() > kOurs || dirty_.load(std::memory_order_acquire)) return file_ == nullptr;
  file_.reset();
  if (const Status closed = file->close(); !closed.ok()) failure_ = closed;
  return true;
}

void OpenFiles::add(const std::shared_ptr<PooledFile>& file) {
  {
    const std::lock_guard lock(mutex_);
    open_.push_back(file);
  }
  const std::shared_ptr<PooledFile> idle = take_idle();
  if (idle == nullptr || jobs_.post([this, idle] { close_one(idle); }).ok()) return;
  const std::lock_guard lock(mutex_);
  open_.push_back(idle);
}

// One that is in use again is left for another time, and another one is tried.
void OpenFiles::close_one(std::shared_ptr<PooledFile> idle) {
  constexpr int kTriesMax = 16;
  for (int i = 0; i < kTriesMax; ++i) {
    if (idle == nullptr || idle->flush_and_close()) return;
    {
      const std::lock_guard lock(mutex_);
      open_.push_back(std::move(idle));
    }
    if (i + 1 < kTriesMax) idle = take_idle();
  }
}

// Second chance: one that was used since it was looked at last goes to the back.
std::shared_ptr<PooledFile> OpenFiles::take_idle() {
  const std::lock_guard lock(mutex_);
  for (size_t left = 2 * open_.size(); open_.size() > files_max_ && left > 0; --left) {
    std::shared_ptr<PooledFile> oldest = open_.front().lock();
    open_.pop_front();
    if (oldest == nullptr) continue;
    if (!oldest->used_lately_.exchange(false, std::memory_order_relaxed) || left == 1) return oldest;
    open_.push_back(std::move(oldest));
  }
  return nullptr;
}

}  // namespace ion::storage_mmap
