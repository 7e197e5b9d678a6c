// The file of a segment that is being written: made ahead with all its bytes allocated, then filled by pwrite, named
// by its base offset, flushed, and closed. A file is prepared under another name, because its base offset is not known then;
// taking it into use is a matter of pointers, and the blocking pool gives it its name before anything in it counts as durable.
// Its descriptor is one of a bounded number (open_files).
// Threads: append is ANY, by the holder of the log's write turn; everything else BLOCKING, one thread at a time (LogDisk).
#pragma once
#include "io/directory_layout.h"
#include "io/open_files.h"

#include <ion/ports.h>

#include <memory>
#include <string>

namespace ion::storage_mmap {

// kZeroed: every byte was written and flushed. kAllocated: the space is there; what makes the file durable is its first flush.
enum class Prepare { kZeroed, kAllocated };

class SegmentFile {
 public:
  // Makes a new file that reads as `capacity` zero bytes. What was begun is removed when it fails.
  static Result<std::unique_ptr<SegmentFile>> make(OpenFiles& pool, std::string path, uint64_t capacity, Prepare how);
  // Opens one that is there, to be written on.
  static Result<std::unique_ptr<SegmentFile>> open(OpenFiles& pool, std::string path);

  // OVERLOADED: no descriptor was left to open it again, and nothing was written.
  Status append(uint64_t at, std::span<const ion_buf> parts) {
    return file_->change([&](File& f) { return f.pwrite(at, parts); });
  }
  Status writeback(uint64_t at, uint64_t n);
  Status zero(uint64_t at, uint64_t n);
  // Reads [at, upto) and writes the same bytes, so that the next flush puts them on the disk whatever became of an earlier one: after a
  // flush that failed the system keeps what was not written, and calls it clean.
  Status write_again(uint64_t at, uint64_t upto);
  // Makes it longer; the new bytes read as zeros. What was begun is taken back when it fails.
  Status grow(uint64_t capacity);
  // Gives back what lies behind `end`. BUSY: a map that somebody holds reaches beyond.
  Status shrink(uint64_t end);
  Status sync() { return file_->sync(); }
  Status close() { return file_->close(); }
  // Moves the file to `path`; the caller makes it durable with sync_dir.
  Status rename_to(Files& files, std::string path);
  Result<std::unique_ptr<MappedFile>> map();

  const std::string& path() const noexcept { return path_; }
  uint64_t capacity() const noexcept { return capacity_; }

 private:
  SegmentFile(std::shared_ptr<PooledFile> file, std::string path, uint64_t capacity)
      : file_(std::move(file)), path_(std::move(path)), capacity_(capacity) {}
  const std::shared_ptr<PooledFile> file_;
  std::string path_;
  uint64_t capacity_;
};

// Reads [at, at + to.size()) whole; a file that is shorter is CORRUPT.
Status read_exactly(File& file, uint64_t at, std::span<uint8_t> to, std::string_view path);
// The whole file; NOT_FOUND when it is not there, CORRUPT above `bytes_max`.
Result<std::vector<uint8_t>> read_file(Files& files, const std::string& path, uint64_t bytes_max);
// OK when it was not there.
Status remove_if_there(Files& files, const std::string& path);
// Writes a new file and flushes it; an older one of this name is removed before. The caller syncs the directory.
Status write_file(Files& files, const std::string& path, std::span<const uint8_t> bytes);

}  // namespace ion::storage_mmap
