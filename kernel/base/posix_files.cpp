#include "base/posix_files.h"

#include "base/posix_files_error.h"
#include "base/posix_files_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ion::base {
namespace {

constexpr mode_t kDirMode = 0700, kFileMode = 0600;
constexpr size_t kPathBytesMax = 4095, kNameBytesMax = 255;
constexpr Nanos kLockPoll = milliseconds(20);  // a lock has no deadline of its own, so it is asked for again
constexpr uint32_t kModesKnown = ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_EXCLUSIVE | ION_FILE_LOCK;

// Why a path is refused, or nullptr.
const char* fault_of(std::string_view path) {
  if (path.empty()) return "it is empty";
  if (path.front() == '/') return "it is absolute";
  if (path.size() > kPathBytesMax) return "it is longer than 4095 bytes";
  if (path.find('\0') != path.npos) return "it holds a zero byte";
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    if (name.empty()) return "it has an empty name between slashes or at its end";
    if (name == "." || name == "..") return "it has the name . or ..";
    if (name.size() > kNameBytesMax) return "it has a name longer than 255 bytes";
    at = end + 1;
  }
  return nullptr;
}

// The low numbers belong to the streams that a program is started with: what writes to one of them by mistake (a library, after the
// stream was closed) must hit no file of data. SQLite keeps away from 0 to 2 for that reason.
constexpr int kLowestDescriptor = 16;
int above_the_streams(int fd) {
  if (fd < 0 || fd >= kLowestDescriptor) return fd;
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, kLowestDescriptor);
  if (moved < 0) return fd;  // none is free up there
  (void)::close(fd);
  return moved;
}

int open_dir(int at, const char* path) {
  return posix_retried([&] { return ::openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
}

// One directory of mode 0700; there already is well. Answers an errno or 0.
int make_one_dir(int at, const std::string& path) {
  if (::mkdirat(at, path.c_str(), kDirMode) == 0) return 0;
  if (errno != EEXIST) return errno;
  struct stat there {};
  if (::fstatat(at, path.c_str(), &there, 0) != 0) return errno;
  return S_ISDIR(there.st_mode) ? 0 : ENOTDIR;
}

// Every prefix of `path` that ends before a slash or at the end.
template <class Each>
int for_each_prefix(const std::string& path, Each each) {
  for (size_t at = path.find_first_not_of('/'); at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (const int error = each(path.substr(0, end)); error != 0) return error;
    at = path.find_first_not_of('/', end);
  }
  return 0;
}

// A file without a name is tried, which nobody sees. File systems that only show the system's state (/proc) refuse it and have no space;
// others that refuse it have.
bool takes_files(const std::string& directory) {
  const int fd = posix_retried([&] { return ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode); });
  if (fd >= 0) return ::close(fd) == 0;
  if (errno == EPERM) return false;
  struct statvfs there {};
  return ::statvfs(directory.c_str(), &there) != 0 || there.f_blocks != 0;
}

// The name of a directory that was just made is data of its parent.
int sync_parent(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string parent = slash == path.npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  const int fd = open_dir(AT_FDCWD, parent.c_str());
  if (fd < 0) return errno == EACCES ? 0 : errno;  // one may make a name where one may not look
  const int error = posix_retried([&] { return ::fsync(fd); }) == 0 ? 0 : errno;
  (void)::close(fd);
  return error;
}

class Directory {  // closes
 public:
  explicit Directory(int fd) : dir_(::fdopendir(fd)) {
    if (dir_ == nullptr) (void)::close(fd);
  }
  ~Directory() {
    if (dir_ != nullptr) (void)::closedir(dir_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  explicit operator bool() const { return dir_ != nullptr; }
  const dirent* read() {  // nullptr with errno 0: the end
    errno = 0;
    return ::readdir(dir_);
  }
  int fd() { return ::dirfd(dir_); }

 private:
  DIR* const dir_;
};

Status mode_fault(const std::string& path, uint32_t mode) {
  const char* why = (mode & ~kModesKnown) != 0                                       ? "it has an unknown bit"
                    : (mode & (ION_FILE_READ | ION_FILE_WRITE)) == 0                 ? "it has neither READ nor WRITE"
                    : (mode & ION_FILE_CREATE) != 0 && (mode & ION_FILE_WRITE) == 0  ? "it has CREATE without WRITE"
                    : (mode & ION_FILE_EXCLUSIVE) != 0 && (mode & ION_FILE_CREATE) == 0 ? "it has EXCLUSIVE without CREATE"
                                                                                     : nullptr;
  if (why == nullptr) return {};
  return Status(ION_E_INVALID, fmt::format("{}: wanted to open it: the mode {:#x} is refused: {}", path, mode, why));
}

int flags_of(uint32_t mode) {
  const bool reads = (mode & ION_FILE_READ) != 0, writes = (mode & ION_FILE_WRITE) != 0;
  int flags = writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if ((mode & ION_FILE_CREATE) != 0) flags |= O_CREAT;
  if ((mode & ION_FILE_EXCLUSIVE) != 0) flags |= O_EXCL;
  return flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;  // NONBLOCK: a pipe in the directory must not hang us; files do not mind
}

}  // namespace

Result<std::unique_ptr<PosixFiles>> PosixFiles::open(std::string root, LockWait lock_wait) {
  if (root.empty() || root.find('\0') != root.npos)
    return Status(ION_E_INVALID, fmt::format("wanted a directory for files, found the path \"{}\"", root));
  int fd = open_dir(AT_FDCWD, root.c_str());
  if (fd < 0 && errno == ENOENT) {
    const int error = for_each_prefix(root, [](const std::string& prefix) {
      if (::access(prefix.c_str(), F_OK) == 0) return 0;
      const int made = make_one_dir(AT_FDCWD, prefix);
      return made != 0 ? made : sync_parent(prefix);
    });
    if (error != 0) return posix_failure(root, "make the directory", error);
    fd = open_dir(AT_FDCWD, root.c_str());
  }
  if (fd < 0) return posix_failure(root, "open the directory", errno);
  return std::unique_ptr<PosixFiles>(new PosixFiles(std::move(root), above_the_streams(fd), std::move(lock_wait)));
}

Status PosixFiles::check(const std::string& root) {
  if (root.empty() || root.find('\0') != root.npos)
    return {ION_E_INVALID, fmt::format("wanted a directory for files, found the path \"{}\"", root)};
  // What is there of it, from the longest beginning on.
  for (std::string there = root;; there.resize(there.find_last_of('/'))) {
    const std::string path = there.empty() ? "/" : there;
    const bool whole = there == root;
    const char* const wanted = whole ? "make files in it" : "make the directory";
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) {
      if (!S_ISDIR(found.st_mode)) return posix_failure(root, whole ? "open the directory" : wanted, ENOTDIR);
      if (::access(path.c_str(), whole ? R_OK | W_OK | X_OK : W_OK | X_OK) != 0) return posix_failure(root, wanted, errno);
      return takes_files(path) ? Status() : Status(ION_E_INVALID, fmt::format("{}: wanted to {}: the file system of {} takes no files", root, wanted, path));
    }
    if (errno != ENOENT) return posix_failure(root, "open the directory", errno);
    if (::lstat(path.c_str(), &found) == 0) return posix_failure(root, fmt::format("follow the link {}", path), ENOENT);
    if (there.find('/') == there.npos) return ::access(".", W_OK | X_OK) == 0 ? Status() : posix_failure(root, "make the directory", errno);
  }
}

PosixFiles::PosixFiles(std::string root, int fd, LockWait lock_wait) : root_(std::move(root)), fd_(fd), lock_wait_(std::move(lock_wait)) {}

PosixFiles::~PosixFiles() { (void)::close(fd_); }

Result<std::string> PosixFiles::inside(std::string_view path) const {
  const char* fault = fault_of(path);
  if (fault == nullptr) return std::string(path);
  return Status(ION_E_INVALID, fmt::format("wanted a path below {}, \"{}\" is refused: {}", root_, posix_shown(path), fault));
}

Result<std::string> PosixFiles::inside_or_root(std::string_view path) const {
  if (path == ".") return std::string(path);
  return inside(path);
}

Status PosixFiles::failed(std::string_view path, std::string_view wanted, int error) const {
  return posix_failure(fmt::format("{}/{}", root_, path), wanted, error);
}

Result<std::unique_ptr<File>> PosixFiles::open(std::string_view path, uint32_t mode) {
  ION_TRY(const std::string name, inside(path));
  const std::string shown = root_ + "/" + name;
  ION_CHECK(mode_fault(shown, mode));
  const int fd = above_the_streams(posix_retried([&] { return ::openat(fd_, name.c_str(), flags_of(mode), kFileMode); }));
  if (fd < 0) return failed(name, (mode & ION_FILE_CREATE) != 0 ? "create or open it" : "open it", errno);
  auto file = std::make_unique<PosixFile>(shown, fd);  // from here on it closes
  struct stat there {};
  if (::fstat(fd, &there) != 0) return failed(name, "see what it is", errno);
  if (!S_ISREG(there.st_mode)) return Status(ION_E_INVALID, fmt::format("{}: wanted a regular file, found something else", shown));
  if ((mode & ION_FILE_LOCK) != 0) ION_CHECK(lock(shown, fd));
  return std::unique_ptr<File>(std::move(file));
}

Status PosixFiles::lock(const std::string& shown, int fd) const {
  for (Nanos waited;; waited.n += kLockPoll.n) {
    if (posix_retried([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0) return {};
    if (errno != EWOULDBLOCK) return posix_failure(shown, "lock it", errno);
    if (waited >= lock_wait_.limit) return {ION_E_BUSY, fmt::format("{}: wanted its lock, somebody else holds it", shown)};
    if (waited.n == 0 && lock_wait_.waits) lock_wait_.waits(shown);
    (void)::poll(nullptr, 0, static_cast<int>(kLockPoll.n / 1'000'000));
  }
}

Status PosixFiles::rename(std::string_view from, std::string_view to) {
  ION_TRY(const std::string source, inside(from));
  ION_TRY(const std::string target, inside(to));
  if (::renameat(fd_, source.c_str(), fd_, target.c_str()) == 0) return {};
  return failed(source, fmt::format("rename it to {}", posix_shown(target)), errno);
}

Status PosixFiles::remove(std::string_view path) {
  ION_TRY(const std::string name, inside(path));
  if (::unlinkat(fd_, name.c_str(), 0) == 0) return {};
  if (errno != EISDIR) return failed(name, "remove it", errno);
  if (::unlinkat(fd_, name.c_str(), AT_REMOVEDIR) == 0) return {};
  return failed(name, "remove the directory", errno);
}

Status PosixFiles::make_dir(std::string_view path) {
  ION_TRY(const std::string name, inside_or_root(path));
  const int error = for_each_prefix(name, [this](const std::string& prefix) { return make_one_dir(fd_, prefix); });
  return error == 0 ? Status() : failed(name, "make the directory", error);
}

Status PosixFiles::sync_dir(std::string_view path) {
  ION_TRY(const std::string name, inside_or_root(path));
  const int fd = open_dir(fd_, name.c_str());
  if (fd < 0) return failed(name, "open the directory to sync it", errno);
  const int error = posix_retried([&] { return ::fsync(fd); }) == 0 ? 0 : errno;
  (void)::close(fd);
  return error == 0 ? Status() : failed(name, "sync the directory", error);
}

Result<std::vector<DirEntry>> PosixFiles::list(std::string_view path) {
  ION_TRY(const std::string name, inside_or_root(path));
  const int fd = open_dir(fd_, name.c_str());
  if (fd < 0) return failed(name, "open the directory to list it", errno);
  Directory dir(fd);
  if (!dir) return failed(name, "list the directory", errno);
  std::vector<DirEntry> entries;
  while (const dirent* entry = dir.read()) {
    const std::string_view entry_name = entry->d_name;
    if (entry_name == "." || entry_name == "..") continue;
    struct stat there {};
    if (::fstatat(dir.fd(), entry->d_name, &there, 0) != 0) {
      if (errno == ENOENT) continue;  // removed meanwhile, or a link to nowhere
      return failed(name, fmt::format("see what {} in it is", entry_name), errno);
    }
    if (entries.size() == kEntriesMax)
      return Status(ION_E_OVERLOADED, fmt::format("{}/{}: wanted to list it, it has more than {} entries", root_, name, kEntriesMax));
    const bool directory = S_ISDIR(there.st_mode);
    entries.push_back({std::string(entry_name), directory ? 0 : static_cast<uint64_t>(there.st_size), directory});
  }
  if (errno != 0) return failed(name, "list the directory", errno);
  std::sort(entries.begin(), entries.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

Result<DiskSpace> PosixFiles::space() {
  struct statvfs there {};
  if (posix_retried([&] { return ::fstatvfs(fd_, &there); }) != 0) return posix_failure(root_, "ask for the disk's space", errno);
  return DiskSpace{static_cast<uint64_t>(there.f_bavail) * there.f_frsize, static_cast<uint64_t>(there.f_blocks) * there.f_frsize};
}

}  // namespace ion::base
