// The data directory of a process: its files, the lock that keeps other processes out, and whether it holds an unfinished copy.
// Thread: main.
#pragma once
#include "base/world.h"

#include <memory>
#include <string>

namespace ion {

struct DataDir {
  std::unique_ptr<Files> files;
  std::unique_ptr<File> lock;  // held until it is closed

  // Makes the directory if it is not there. BUSY: another process has it, whose number is told if it is known. `process`: our own
  // number, for others to tell; 0: not told.
  static Result<DataDir> take(World& world, const std::string& path, uint32_t process);
};

// CONFLICT: a copy into this directory (`path`, for words) was begun and not finished, so it holds a part of what it should.
Status refuse_unfinished_copy(Files& files, const std::string& path);
// A copy is begun or has ended: durable when it answers OK. The words say from where.
Status mark_unfinished_copy(Files& files, const std::string& from);
Status unmark_unfinished_copy(Files& files);

}  // namespace ion
