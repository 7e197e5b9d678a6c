// This process and its surroundings: stdout as a pipe that may close, signals as something to wait for, programs beside this one.
#pragma once
#include <ion/status.h>
#include <ion/time.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::cli {

// SIGINT and SIGTERM become readable here instead of ending the process. Made before the first thread, kept until the end. Without a
// descriptor for it (fd() is -1) signals are lost; room_for_a_client() refuses then.
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

// Something to wait for in poll(): readable from the first raise() on. Any thread.
class Flag {
 public:
  Flag();
  ~Flag();
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;
  int fd() const noexcept { return fd_; }
  void raise();

 private:
  int fd_;
};

// What ends this process by an exception, as when it gets no more memory or threads, is told in a line; then exit code 1.
void say_why_it_ends();
// NO_MEMORY or OVERLOADED when this process gets less address space, descriptors or threads than a client needs (`ulimit -v`, `-n`, `-u`).
// Libraries below would hang or abort instead of saying so. Before a client or a server is made.
Status room_for_a_client();
// Descriptors 0, 1 and 2 are open afterwards, so that no socket or file takes their number. First thing in main.
void keep_standard_files();
// False: the program was started with stdin (0), stdout (1) or stderr (2) closed; what is there now is something else.
bool standard_file_given(int fd);

inline constexpr const char* kPipeClosed = "PIPE_CLOSED";
// All bytes to stdout. IO with the words of errno when that failed; with reason PIPE_CLOSED when nobody reads them any more.
Status write_all(std::string_view bytes);
// To stderr, as far as it takes them: there is nobody to tell that it failed.
void say(std::string_view text);
// Becomes that program. Comes back only with why it could not.
// What the clock on the wall says.
WallMs wall_now();

Status become(const std::vector<std::string>& command);

}  // namespace ion::cli
