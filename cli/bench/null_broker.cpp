#include "bench/null_broker.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace ion::bench {

namespace {
constexpr int kStartLimitMs = 60'000;

// Reads until a line begins with "ready". Bounded by time and by what a broker may say before.
Result<std::string> ready_line(int out) {
  std::string text;
  while (text.size() < 64 << 10) {
    pollfd wait{out, POLLIN, 0};
    if (::poll(&wait, 1, kStartLimitMs) <= 0) return Status(ION_E_DEADLINE, "the child process said nothing for 60 s");
    char piece[512];
    const ssize_t n = ::read(out, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Status(ION_E_FAILED, "the child process ended before it was ready; its stderr says why");
    text.append(piece, static_cast<size_t>(n));
    for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      if (text.compare(at, 5, "ready") == 0) return text.substr(at, end - at);
  }
  return Status(ION_E_FAILED, "the child process said much, but not that it is ready");
}

// The first word of the line that ends in :PORT.
std::string address_in(const std::string& line) {
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    const std::string word = line.substr(at, end - at);
    const size_t colon = word.rfind(':');
    if (colon != std::string::npos && colon + 1 < word.size() && std::all_of(word.begin() + static_cast<std::ptrdiff_t>(colon) + 1, word.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return word;
    at = end + 1;
  }
  return {};
}
}  // namespace

Result<std::string> sibling_program(const std::string& name) {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0) return Status(ION_E_IO, "cannot tell where this program lies");
  std::string self(path, static_cast<size_t>(n));
  return self.substr(0, self.rfind('/') + 1) + name;
}

namespace {
// A child that ends when the thread that made it has ended, however that came: nothing of this process runs after a kill. Not posix_spawn,
// which cannot ask for that; and asked for behind exec it would come too late. Threads of libraries run here: until exec, only what is
// safe in a signal handler. Answers errno, 0 when the program runs.
int spawn(char* const* arguments, int out, pid_t& pid) {
  int report[2];  // errno of the child; closed by its exec
  if (::pipe2(report, O_CLOEXEC) != 0) return errno;
  const pid_t parent = ::getpid();
  pid = ::_Fork();
  if (pid == 0) {
    const bool bound = ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0;
    if (::getppid() != parent) ::_exit(1);  // it ended before it was bound to
    if (bound && ::dup2(out, STDOUT_FILENO) >= 0) ::execv(arguments[0], arguments);
    const int why = errno;
    (void)!::write(report[1], &why, sizeof why);
    ::_exit(1);
  }
  int failed = pid < 0 ? errno : 0;
  ::close(report[1]);
  ssize_t told = 0;
  while (pid > 0 && (told = ::read(report[0], &failed, sizeof failed)) < 0 && errno == EINTR) {
  }
  ::close(report[0]);
  if (told > 0) ::waitpid(pid, nullptr, 0);
  return failed;
}
}  // namespace

Result<ServerProcess> ServerProcess::start(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Status(ION_E_IO, fmt::format("pipe: {}", std::strerror(errno)));
  std::vector<char*> arguments;
  for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int failed = spawn(arguments.data(), ends[1], pid);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return Status(ION_E_NOT_FOUND, fmt::format("cannot start {}: {}", command.front(), std::strerror(failed)));
  }
  ServerProcess child(pid, ends[0], {});
  ION_TRY(const std::string line, ready_line(ends[0]));
  child.address_ = address_in(line);
  if (child.address_.empty()) return Status(ION_E_FAILED, "no address in the child's line: " + line);
  return child;
}

Result<std::string> broker_program() {
  const char* given = std::getenv("ION_BROKERD");
  if (given != nullptr && *given != '\0') return std::string(given);
  return sibling_program("ionstreamd");
}

Result<ServerProcess> ServerProcess::start_null_broker() {
  ION_TRY(const std::string program, broker_program());
  return start({program, "--null", "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0", "--set", "log.level=error"});
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), out_(std::exchange(other.out_, -1)), address_(std::move(other.address_)) {}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    // A null broker has nothing to save; one that does not go by itself is cut.
    for (int i = 0; i < 100 && pid_ > 0; ++i) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
      else ::usleep(20'000);
    }
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  if (out_ >= 0) ::close(out_);
}

int ServerProcess::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace ion::bench
