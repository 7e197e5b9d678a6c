#include "process.h"

#include <fmt/format.h>
#include <ion/assert.h>
#include <ion/result.h>
#include <process/limits.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>
#include <thread>

namespace ion::cli {

Interrupts::Interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
Interrupts::~Interrupts() {
  if (fd_ >= 0) ::close(fd_);
}

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
  constexpr uint64_t kMapped = 512 << 20;       // stacks, arenas and buffers of the threads of a client; mapped, most of it never touched
  constexpr uint64_t kDescriptors = 16;         // the event loop of gRPC, connections, signals, the input
  constexpr uint32_t kThreads = 16, kThreadsPerCoreMax = 16;  // of gRPC, which starts some for each core up to a bound, and of the client
  ION_CHECK(process::check_address_space(kMapped));
  (void)process::raise_descriptor_limit();
  ION_CHECK(process::check_descriptors(kDescriptors));
  return process::check_threads(kThreads + std::min(std::thread::hardware_concurrency(), kThreadsPerCoreMax));
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

WallMs wall_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

Status become(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& w : command) words.push_back(const_cast<char*>(w.c_str()));
  words.push_back(nullptr);
  ::execv(words.front(), words.data());
  return {ION_E_NOT_FOUND, fmt::format("cannot start {}: {}", command.front(), std::strerror(errno))};
}

}  // namespace ion::cli
