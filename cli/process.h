// This process and its surroundings: stdout as a pipe that may close, signals as something to wait for, programs beside this one.
#pragma once
#include <ion/status.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::cli {

// SIGINT and SIGTERM become readable here instead of ending the process. Made before the first thread, kept until the end.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  int fd() const noexcept { return fd_; }
  void take();  // the signals that have come: the next one makes it readable again

 private:
  int fd_;
};

// What large messages were received into is kept for the next ones: glibc would give it back and fault it in again, page by page.
void keep_freed_memory();
// A closed pipe is an answer of write, not a signal.
void ignore_closed_pipes();
// All bytes, or false when nobody reads them any more (or the disk is full).
bool write_all(std::string_view bytes);
// Becomes that program. Comes back only with why it could not.
Status become(const std::vector<std::string>& command);

}  // namespace ion::cli
