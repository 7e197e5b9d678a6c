// How a failed system call becomes a Status, and how an interrupted one is hidden. For posix_files* only.
#pragma once
#include <ion/status.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace ion::base {

// "PATH: wanted to WANTED: No space left on device (ENOSPC)"; the code follows from the error.
Status posix_failure(std::string_view path, std::string_view wanted, int error);

// A path for a message: of a long one the end, which tells files apart.
std::string posix_shown(std::string_view path);

// Calls again while a signal interrupts; never for close, which has then closed.
template <class Call>
auto posix_retried(Call call) {
  for (;;) {
    const auto answer = call();
    if (answer != -1 || errno != EINTR) return answer;
  }
}

}  // namespace ion::base
