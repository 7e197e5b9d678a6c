#include "process.h"

#include <fmt/format.h>
#include <ion/assert.h>

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

namespace ion::cli {

Interrupts::Interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  ION_ASSERT(fd_ >= 0);
}
Interrupts::~Interrupts() { ::close(fd_); }

void Interrupts::take() {
  signalfd_siginfo come;
  while (::read(fd_, &come, sizeof come) > 0) {
  }
}

Flag::Flag() : fd_(::eventfd(0, EFD_CLOEXEC)) { ION_ASSERT(fd_ >= 0); }
Flag::~Flag() { ::close(fd_); }
void Flag::raise() {
  const uint64_t one = 1;
  (void)!::write(fd_, &one, sizeof one);
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  (void)::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

void ignore_write_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

namespace {
// Without memory of its own: there may be none.
[[noreturn]] void end_in_words() {
  char line[512];
  int n = 0;
  try {
    if (std::current_exception()) std::rethrow_exception(std::current_exception());
    n = std::snprintf(line, sizeof line, "ion: INTERNAL: it ended without a cause\n");
  } catch (const std::bad_alloc&) {
    n = std::snprintf(line, sizeof line, "ion: NO_MEMORY: this process gets no more memory; see ulimit -v and the limits of its group\n");
  } catch (const std::system_error& e) {
    n = std::snprintf(line, sizeof line, "ion: NO_MEMORY: this process gets no further thread or memory: %s; see ulimit -u and ulimit -v\n", std::strerror(e.code().value()));
  } catch (const std::exception& e) {
    n = std::snprintf(line, sizeof line, "ion: INTERNAL: it ended by an exception: %s\n", e.what());
  }
  (void)!::write(STDERR_FILENO, line, static_cast<size_t>(std::clamp<int>(n, 0, sizeof line - 1)));
  ::_exit(1);
}
}  // namespace

void say_why_it_ends() { std::set_terminate(end_in_words); }

Status room_for_a_client() {
  constexpr uint64_t kMapped = 512 << 20;  // stacks, arenas and buffers of the threads of a client; mapped, most of it never touched
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= kMapped) return {};
  return {ION_E_NO_MEMORY, fmt::format("this process may map {} MiB (ulimit -v {}), a client needs {} MiB: raise ulimit -v", limit.rlim_cur >> 20, limit.rlim_cur >> 10, kMapped >> 20)};
}

namespace {
// Which of 0, 1, 2 the program was given. Written by keep_standard_files alone, before there are threads.
bool given[3] = {true, true, true};
}  // namespace

void keep_standard_files() {
  for (int fd = 0; fd <= 2; ++fd) {
    // What a program is given by exec has no FD_CLOEXEC. Libraries open descriptors before main, which take the numbers that are free.
    const int flags = ::fcntl(fd, F_GETFD);
    given[fd] = flags >= 0 && (flags & FD_CLOEXEC) == 0;
    if (flags < 0) (void)::open("/dev/null", O_RDWR);
  }
}

bool standard_file_given(int fd) { return given[fd]; }

namespace {
Status write_to(int fd, std::string_view bytes) {
  if (!standard_file_given(fd)) return {ION_E_IO, fmt::format("cannot write to {}: {}", fd == STDOUT_FILENO ? "stdout" : "stderr", std::strerror(EBADF))};
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (n < 0 && errno != EINTR) {
      return {ION_E_IO, fmt::format("cannot write to {}: {}", fd == STDOUT_FILENO ? "stdout" : "stderr", std::strerror(errno)),
              errno == EPIPE ? kPipeClosed : ""};
    }
  }
  return {};
}
}  // namespace

Status write_all(std::string_view bytes) { return write_to(STDOUT_FILENO, bytes); }
void say(std::string_view text) { (void)write_to(STDERR_FILENO, text); }

Status become(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& w : command) words.push_back(const_cast<char*>(w.c_str()));
  words.push_back(nullptr);
  ::execv(words.front(), words.data());
  return {ION_E_NOT_FOUND, fmt::format("cannot start {}: {}", command.front(), std::strerror(errno))};
}

}  // namespace ion::cli
