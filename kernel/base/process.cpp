#include "base/process.h"

#include "base/posix_files_error.h"

#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>

extern char** environ;

namespace ion::base {

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

Result<std::string> make_temporary_directory(std::string_view prefix) {
  const char* given = std::getenv("TMPDIR");
  std::string path = std::string(given != nullptr && *given != 0 ? given : "/tmp") + "/" + std::string(prefix) + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return posix_failure(path, "make a temporary directory", errno);
  return path;
}

void remove_tree(const std::string& directory) {
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  (void)::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that it takes
  (void)::mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

void leave_process(int code) { ::_exit(code); }

}  // namespace ion::base
