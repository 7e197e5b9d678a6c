#include "bench/file_ceiling.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

namespace ion::bench {

namespace {
Status failed(const FileLoad& load, const char* what, int error) {
  return {error == ENOSPC ? ION_E_NO_SPACE : ION_E_IO, fmt::format("{}: {}: {}", load.folder, what, std::strerror(error))};
}
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};
}  // namespace

Result<FileFigures> write_file(const FileLoad& load) {
  struct statvfs space {};
  if (::statvfs(load.folder.c_str(), &space) != 0) return failed(load, "statvfs", errno);
  const uint64_t free_bytes = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  if (free_bytes / 2 < load.bytes)
    return Status(ION_E_NO_SPACE, fmt::format("{}: wanted {} bytes free for a file of {}, have {}", load.folder, 2 * load.bytes, load.bytes, free_bytes));
  const Descriptor file{::open(load.folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)};
  if (file.fd < 0) return failed(load, "open", errno);
  if (const int error = ::posix_fallocate(file.fd, 0, static_cast<off_t>(load.bytes)); error != 0) return failed(load, "fallocate", error);
  const std::vector<char> piece(std::min(load.piece_bytes, load.bytes), 'x');
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t at = 0; at < load.bytes;) {
    const ssize_t n = ::pwrite(file.fd, piece.data(), std::min<uint64_t>(piece.size(), load.bytes - at), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed(load, "pwrite", n < 0 ? errno : EIO);
    at += static_cast<uint64_t>(n);
  }
  return FileFigures{load.bytes, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

}  // namespace ion::bench
