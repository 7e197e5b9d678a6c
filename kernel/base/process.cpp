#include "base/process.h"

#include "base/posix_files.h"
#include "base/posix_files_error.h"
#include "base/thread_place.h"

#include <fmt/format.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>

extern char** environ;

namespace ion::base {

void open_standard_files() {
  for (int wanted = STDIN_FILENO; wanted <= STDERR_FILENO; ++wanted) {
    if (::fcntl(wanted, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)::open("/dev/null", O_RDWR);  // takes the lowest free number, which is `wanted`
  }
}

Status write_text(int descriptor, std::string_view text, Nanos limit) {
  const auto limit_ms = static_cast<int>(std::min<int64_t>(limit.n / 1'000'000, INT_MAX));
  while (!text.empty()) {
    pollfd ready{descriptor, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, limit_ms);
    if (polled == 0) return {ION_E_DEADLINE, fmt::format("descriptor {}: nobody reads what is written", descriptor)};
    if (polled < 0 && errno == EINTR) continue;
    const ssize_t n = ::write(descriptor, text.data(), std::min<size_t>(text.size(), PIPE_BUF));  // what a ready pipe takes at once
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0 && errno == EPIPE) return {ION_E_CLOSED, fmt::format("descriptor {}: its reader has gone", descriptor)};
    if (n <= 0) return posix_failure(fmt::format("descriptor {}", descriptor), "write to it", errno);
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

std::vector<std::string> environment() {
  std::vector<std::string> list;
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) list.emplace_back(*e);
  return list;
}

Result<std::string> working_directory() {
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  if (error) return posix_failure(".", "know the working directory", error.value());
  return path.string();
}

Result<std::string> program_directory() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return posix_failure("/proc/self/exe", "read it", error.value());
  return path.parent_path().string();
}

namespace {

std::string temporary_root() {
  const char* given = std::getenv("TMPDIR");
  return given != nullptr && *given != 0 ? given : "/tmp";
}

// PREFIX-PID-XXXXXX of a process that is gone.
bool left_behind(const std::string& name, std::string_view prefix) {
  if (!name.starts_with(std::string(prefix) + "-")) return false;
  const pid_t owner = static_cast<pid_t>(std::atol(name.c_str() + prefix.size() + 1));
  return owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH;
}

// The lock decides: a process of another container may have the same temporary directory and numbers of its own.
void remove_left_behind(std::string_view prefix, std::string_view lock_file) {
  const auto root = PosixFiles::open(temporary_root());
  if (!root) return;
  const auto entries = (*root)->list(".");
  if (!entries) return;
  for (const DirEntry& entry : *entries) {
    if (!entry.directory || !left_behind(entry.name, prefix)) continue;
    const auto lock = (*root)->open(entry.name + "/" + std::string(lock_file), ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_LOCK);
    if (lock) remove_tree(temporary_root() + "/" + entry.name);
  }
}

}  // namespace

Result<std::string> make_temporary_directory(std::string_view prefix, std::string_view lock_file) {
  remove_left_behind(prefix, lock_file);
  std::string path = fmt::format("{}/{}-{}-XXXXXX", temporary_root(), prefix, ::getpid());
  if (::mkdtemp(path.data()) == nullptr) return posix_failure(path, "make a temporary directory", errno);
  return path;
}

void remove_tree(const std::string& directory) {
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

namespace {

// Nothing here allocates.
[[noreturn]] void end_in_words(const char* what, const char* why) {
  rlimit limit{};
  std::array<char, 512> line{};
  const bool limited = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  const int n = limited ? std::snprintf(line.data(), line.size(), "ionstreamd: %s (%s); the address space of this process is limited to %llu KiB (ulimit -v)\n",
                                        what, why, static_cast<unsigned long long>(limit.rlim_cur >> 10))
                        : std::snprintf(line.data(), line.size(), "ionstreamd: %s (%s)\n", what, why);
  if (n > 0) (void)!::write(STDERR_FILENO, line.data(), std::min(static_cast<size_t>(n), line.size() - 1));
  leave_process(1);
}

[[noreturn]] void tell_uncaught() {
  try {
    if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::bad_alloc& e) {
    end_in_words("out of memory: the system refused an allocation", e.what());
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::resource_unavailable_try_again) end_in_words("the system refused a thread or another resource", e.what());
    (void)std::fprintf(stderr, "ionstreamd: an exception that nobody caught: %s\n", e.what());
  } catch (const std::exception& e) {
    (void)std::fprintf(stderr, "ionstreamd: an exception that nobody caught: %s\n", e.what());
  } catch (...) {
    (void)std::fprintf(stderr, "ionstreamd: an exception that nobody caught, which has no text\n");
  }
  std::abort();
}

void write_words(const char* words) { (void)!::write(STDERR_FILENO, words, std::strlen(words)); }

// Only what a signal handler may do. The handler is gone when it runs: the signal then does what it does without one.
void tell_crash(int signal) {
  const char* const plugin = current_place().plugin;
  write_words("ionstreamd: ended by a ");
  write_words(signal == SIGSEGV || signal == SIGBUS ? "bad memory access" : signal == SIGABRT ? "call of abort" : "processor fault");
  write_words(plugin != nullptr ? " in the code of plugin " : ", not in a call of an interceptor or a step of a plugin");
  if (plugin != nullptr) write_words(plugin);
  write_words("\n");
  (void)::raise(signal);
}

}  // namespace

void tell_uncaught_exceptions() { std::set_terminate(&tell_uncaught); }

void tell_crashes() {
  struct sigaction what {};
  what.sa_handler = &tell_crash;
  what.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) (void)::sigaction(signal, &what, nullptr);
}

uint64_t resident_bytes() {
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::array<char, 128> text{};
  const ssize_t n = ::read(file, text.data(), text.size() - 1);
  (void)::close(file);
  unsigned long long size = 0, resident = 0, shared = 0;
  if (n <= 0 || std::sscanf(text.data(), "%llu %llu %llu", &size, &resident, &shared) != 3 || resident < shared) return 0;
  return (resident - shared) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint32_t process_id() { return static_cast<uint32_t>(::getpid()); }

void leave_process(int code) { ::_exit(code); }

}  // namespace ion::base
