// The port Files over POSIX: one directory and all below it. The only place that opens, writes, syncs and maps files.
// EINTR and short writes are hidden; a full disk is NO_SPACE; after a failed sync or close a file is FAILED for good, because the
// kernel has marked the pages clean and the next sync would succeed without them.
// Every error says the path, what was wanted, and the system's words.
//
// Paths are relative: names joined by single slashes. "." alone is the root, for list, sync_dir and make_dir; everything else that
// is empty, absolute, "." or ".." is INVALID. Symbolic links are followed: they are the operator's.
// A map is read after advise(WILLNEED): it reads the pages in and answers IO where one cannot be read, while touching such a page
// ends the process (SIGBUS). advise(DONTNEED) takes pages out of this process only; touching them again is well.
// Thread: blocking; File::pwrite and File::writeback any. A file outlives the calls on it; a map may outlive its file.
#pragma once
#include <ion/ports.h>
#include <ion/time.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ion::base {

// For a lock (ION_FILE_LOCK) that another process holds: a process that was killed keeps its locks until the system has taken it down,
// which takes seconds under load.
struct LockWait {
  Nanos limit;                                    // then BUSY; 0: at once
  std::function<void(const std::string&)> waits;  // called with the path before the first wait for it; may be empty
};

class PosixFiles final : public Files {
 public:
  static constexpr size_t kEntriesMax = 1U << 20;  // of one listed directory

  // Makes the directory, and its parents, with mode 0700 if it is not there.
  static Result<std::unique_ptr<PosixFiles>> open(std::string root, LockWait lock_wait = {});
  // Why open() of it, and making a file in it, would fail; as far as can be seen without making anything. A full disk is no reason.
  static Status check(const std::string& root);
  ~PosixFiles() override;
  PosixFiles(const PosixFiles&) = delete;
  PosixFiles& operator=(const PosixFiles&) = delete;

  Result<std::unique_ptr<File>> open(std::string_view path, uint32_t mode) override;
  Status rename(std::string_view from, std::string_view to) override;  // replaces `to`
  Status remove(std::string_view path) override;                       // a file, or an empty directory
  Status make_dir(std::string_view path) override;
  Status sync_dir(std::string_view path) override;
  Result<std::vector<DirEntry>> list(std::string_view dir) override;
  Result<DiskSpace> space() override;

  const std::string& root() const noexcept { return root_; }

 private:
  PosixFiles(std::string root, int fd, LockWait lock_wait);
  Status lock(const std::string& shown, int fd) const;
  Result<std::string> inside(std::string_view path) const;
  Result<std::string> inside_or_root(std::string_view path) const;
  Status failed(std::string_view path, std::string_view wanted, int error) const;

  const std::string root_;
  const int fd_;  // of the root: it stays the same directory when its path is renamed
  const LockWait lock_wait_;
};

}  // namespace ion::base
