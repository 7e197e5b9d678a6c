#include "host/plugin_probe.h"

#include "host/plugin_file.h"
#include "host/plugin_manifest.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
extern "C" {  // glibc 2.36 forgets to say so in this header
#include <sys/pidfd.h>
}
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

extern char** environ;

namespace ion::host {
namespace {

// Lines on kReportFd: "next I", "refused CODE WORDS" (the last one), "done". A file descriptor that plugins do not know of.
constexpr int kReportFd = 3;
constexpr std::string_view kLibraryFlag = "--library=";
constexpr size_t kReportBytesMax = 64 << 10, kLinesKept = 8;

std::string text_of(int error) { return std::generic_category().message(error); }

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(-1); }
  int get() const { return fd_; }
  void reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read_end, write_end;
  Status make() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      return {ION_E_IO, fmt::format("cannot make a pipe for the probe: {}", text_of(errno))};
    read_end.reset(ends[0]), write_end.reset(ends[1]);
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
      return {ION_E_IO, fmt::format("cannot make a pipe for the probe: {}", text_of(errno))};
    return {};
  }
};

// What the child said and how it ended.
struct Ending {
  std::string report, output;
  bool timed_out = false;
  int wait_status = 0;
};

class Child {
 public:
  Status start(const std::string& program, const std::vector<std::string>& arguments) {
    ION_CHECK(report_.make());
    ION_CHECK(errors_.make());
    std::vector<char*> argv{const_cast<char*>("ionstreamd")};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&files, errors_.write_end.get(), STDERR_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, errors_.write_end.get(), STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, report_.write_end.get(), kReportFd);
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setpgroup(&attributes, 0);  // what it starts dies with it
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int failed = ::posix_spawn(&pid_, program.c_str(), &files, &attributes, argv.data(), environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    report_.write_end.reset(-1), errors_.write_end.reset(-1);
    if (failed != 0) return {ION_E_IO, fmt::format("cannot start {} {}: {}", program, kProbeFlag, text_of(failed))};
    return {};
  }

  Ending wait(Nanos deadline) {
    const Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)), ended(::pidfd_open(pid_, 0));
    itimerspec limit{};
    limit.it_value = {deadline.n / 1'000'000'000, deadline.n % 1'000'000'000};
    (void)::timerfd_settime(timer.get(), 0, &limit, nullptr);
    Ending ending;
    std::array<pollfd, 4> on{{{report_.read_end.get(), POLLIN, 0},
                              {errors_.read_end.get(), POLLIN, 0},
                              {timer.get(), POLLIN, 0},
                              {ended.get(), POLLIN, 0}}};
    while (on[2].revents == 0 && on[3].revents == 0) {
      if (::poll(on.data(), on.size(), -1) < 0 && errno != EINTR) break;
      if (!drain(on[0].fd, ending.report, kReportBytesMax)) on[0].fd = -1;
      if (!drain(on[1].fd, ending.output, kProbeOutputMax)) on[1].fd = -1;
      if (ended.get() < 0 && on[0].fd < 0 && on[1].fd < 0) break;  // a system without pidfd: both pipes are closed
    }
    ending.timed_out = on[2].revents != 0 && on[3].revents == 0;
    (void)::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, &ending.wait_status, 0) < 0 && errno == EINTR) continue;
    (void)drain(on[0].fd, ending.report, kReportBytesMax);
    (void)drain(on[1].fd, ending.output, kProbeOutputMax);
    return ending;
  }

 private:
  // Reads what is there; false when no more can come. Keeps the last `bytes_max`.
  static bool drain(int fd, std::string& to, size_t bytes_max) {
    std::array<char, 4096> piece;
    for (size_t read = 0; fd >= 0 && read < bytes_max;) {
      const ssize_t got = ::read(fd, piece.data(), piece.size());
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      read += static_cast<size_t>(got);
      to.append(piece.data(), static_cast<size_t>(got));
      if (to.size() > bytes_max) to.erase(0, to.size() - bytes_max);
    }
    return fd >= 0;
  }

  pid_t pid_ = -1;
  Pipe report_, errors_;
};

// The last lines, each made printable.
std::string last_lines(const std::string& output) {
  std::vector<std::string> lines(1);
  for (const char c : output) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c >= ' ' && c <= '~' ? c : '?';
  }
  std::erase_if(lines, [](const std::string& l) { return l.empty(); });
  std::string text;
  for (size_t i = lines.size() > kLinesKept ? lines.size() - kLinesKept : 0; i < lines.size(); ++i)
    text += (text.empty() ? "" : " | ") + lines[i];
  return text.empty() ? "it wrote nothing" : text;
}

struct Report {
  std::string at = "the set";  // who was being loaded
  Status refused;
  bool done = false;
};
Report read_report(const std::string& text, const std::vector<ProbeTarget>& targets) {
  Report report;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    int code = 0, words_at = 0;
    size_t index = 0;
    if (line == "done") report.done = true;
    if (std::sscanf(line.c_str(), "next %zu", &index) == 1 && index < targets.size()) report.at = "plugin " + targets[index].name;
    if (std::sscanf(line.c_str(), "refused %d %n", &code, &words_at) == 1 && code < 0)
      report.refused = Status(to_code(code), line.substr(static_cast<size_t>(words_at)));
  }
  return report;
}

void tell(const std::string& line) {
  const std::string whole = line + "\n";
  (void)!::write(kReportFd, whole.data(), whole.size());  // by hand, without a parent, nobody listens
}

Status map_one(const std::string& copy) {
  ION_TRY(const std::vector<uint8_t> bytes, read_copy(copy));
  ION_TRY(const PluginNotes notes, read_plugin_notes(bytes));
  ION_TRY(const ion_entry_fn entry, map_plugin(copy));
  const auto asked = ask_entry(entry, notes);
  return asked ? Status() : asked.error();
}

// Not exit(): the loader may be in a state that a static constructor left behind, and destructors of foreign libraries may wait
// for their threads.
[[noreturn]] void leave(int code) {
  (void)std::fflush(nullptr);
  ::_exit(code);
}

[[noreturn]] void refuse(const std::string& file, const Status& status) {
  std::string words = status.message();
  std::replace(words.begin(), words.end(), '\n', ' ');
  tell(fmt::format("refused {} {}", static_cast<int>(status.code()), words));
  fmt::print(stderr, "{}: {}\n", file, status.text());
  leave(1);
}

}  // namespace

Status probe_plugins(const std::vector<ProbeTarget>& targets, const std::vector<std::string>& libraries,
                     const ProbeOptions& options) {
  std::vector<std::string> arguments{std::string(kProbeFlag)};
  for (const std::string& library : libraries) arguments.push_back(std::string(kLibraryFlag) + library);
  for (const ProbeTarget& target : targets) arguments.push_back(target.copy);
  Child child;
  ION_CHECK(child.start(options.program, arguments));
  const Ending ending = child.wait(options.deadline);
  const Report report = read_report(ending.report, targets);
  if (!report.refused.ok()) return {report.refused.code(), fmt::format("{}: {}", report.at, report.refused.message())};
  if (ending.timed_out)
    return {ION_E_DEADLINE, fmt::format("{}: loading did not end within {:g} s: {}", report.at, options.deadline.seconds(),
                                        last_lines(ending.output))};
  if (WIFSIGNALED(ending.wait_status))
    return {ION_E_FAILED, fmt::format("{}: killed by signal {} while loading: {}", report.at, WTERMSIG(ending.wait_status),
                                      last_lines(ending.output))};
  if (!report.done || WEXITSTATUS(ending.wait_status) != 0)
    return {ION_E_FAILED, fmt::format("{}: ended the process with code {} while loading: {}", report.at,
                                      WEXITSTATUS(ending.wait_status), last_lines(ending.output))};
  return {};
}

int probe_main(int argc, char** argv) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  if (struct stat is{}; ::fstat(kReportFd, &is) == 0) (void)::fcntl(kReportFd, F_SETFD, FD_CLOEXEC);
  size_t index = 0;
  for (int i = 2; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(kLibraryFlag)) {
      const std::string library(argument.substr(kLibraryFlag.size()));
      if (const Status s = map_library(library); !s.ok()) refuse(library, s);
      continue;
    }
    tell(fmt::format("next {}", index++));
    if (const Status s = map_one(argv[i]); !s.ok()) refuse(argv[i], s);
  }
  tell("done");
  leave(0);
}

}  // namespace ion::host
