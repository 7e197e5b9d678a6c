// The durable marks of all logs of an instance, in one file (core/mark_format). A log's two slots are written in turn, and a slot
// is written only when the other one is on the disk: so one of them always survives a power cut.
// A failed write or flush fails the file for good, and with it every later claim of durability.
// Thread: BLOCKING, several at a time; writes to one log's slots never overlap (LogDisk).
#pragma once
#include "core/mark_format.h"

#include <ion/ports.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ion::storage_mmap {

class MarkFile {
 public:
  // Opens or makes it. Reads all slots.
  static Result<std::unique_ptr<MarkFile>> open(Files& files, const Uuid& storage);

  // The mark of a log, if one was written and can be believed.
  std::optional<Mark> find(const std::string& log) const;
  // Writes the next generation. Not flushed: flush() or the next write of this log does that.
  Status write(const std::string& log, const Mark& mark);
  // Everything written before is on the disk when it answers OK.
  Status flush();
  // The log is gone: both slots become empty, durably.
  Status forget(const std::string& log);
  // Forgets every log that `exists` does not know.
  template <class Exists>
  Status forget_unless(Exists&& exists) {
    for (const std::string& log : logs())
      if (!exists(log)) ION_CHECK(forget(log));
    return {};
  }
  // Slots that could not be believed when the file was opened.
  uint64_t garbled() const noexcept { return garbled_; }

 private:
  struct Entry {
    uint64_t number = 0;      // place in the file
    uint64_t generation = 0;  // of the newest slot
    uint32_t which = 0;       // that slot
    uint64_t written = 0;     // write_count_ when it was written
    Mark mark;
  };
  MarkFile(std::unique_ptr<File> file, const Uuid& storage) : file_(std::move(file)), storage_(storage) {}
  Status read_all();
  Status grow();
  std::vector<std::string> logs() const;
  Result<Entry> claim(const std::string& log);
  Status failed(Status why);

  const std::unique_ptr<File> file_;
  const Uuid storage_;
  std::mutex flush_mutex_;    // one flush at a time; taken before mutex_
  mutable std::mutex mutex_;  // of what follows; never held across I/O but for growing
  std::map<std::string, Entry> entries_;
  std::vector<uint64_t> unused_;  // places, the lowest last
  uint64_t places_ = 0;
  uint64_t write_count_ = 0, flushed_count_ = 0;
  uint64_t garbled_ = 0;
  Status failure_;
};

}  // namespace ion::storage_mmap
