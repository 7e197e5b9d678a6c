#include "base/posix_files_error.h"

#include <fmt/format.h>

#include <cstring>

namespace ion::base {
namespace {

// A plugin sees 248 bytes of words: what was wanted and why it failed must fit beside the path.
constexpr size_t kShownBytesMax = 120;

Code code_of(int error) {
  switch (error) {
    case ENOENT: return ION_E_NOT_FOUND;
    case EEXIST: return ION_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ION_E_NO_SPACE;  // the disk, a quota, a limit of the process
    case EACCES:
    case EPERM:
    case EROFS: return ION_E_FORBIDDEN;
    case EINVAL:
    case EBADF:
    case EISDIR:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case ESPIPE:
    case EXDEV: return ION_E_INVALID;
    case ENOTEMPTY: return ION_E_CONFLICT;
    case EBUSY:
    case ETXTBSY: return ION_E_BUSY;
    case EMFILE:
    case ENFILE: return ION_E_OVERLOADED;
    case ENOMEM: return ION_E_NO_MEMORY;
    case EOPNOTSUPP: return ION_E_UNSUPPORTED;
    default: return ION_E_IO;
  }
}

}  // namespace

std::string posix_shown(std::string_view path) {
  if (path.size() <= kShownBytesMax) return std::string(path);
  return fmt::format("...{}", path.substr(path.size() - kShownBytesMax));
}

Status posix_failure(std::string_view path, std::string_view wanted, int error) {
  const char* words = ::strerrordesc_np(error);
  const char* name = ::strerrorname_np(error);
  return Status(code_of(error), fmt::format("{}: wanted to {}: {} ({})", posix_shown(path), wanted,
                                            words == nullptr ? "unknown error" : words, name == nullptr ? "?" : name));
}

}  // namespace ion::base
