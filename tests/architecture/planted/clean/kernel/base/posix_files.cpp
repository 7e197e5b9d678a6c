// The home of files. A word of another home in a text, "dlopen(", is no fault, nor is fdatasync( in a comment.
#include <fcntl.h>
#include <sys/mman.h>

namespace ion::base {
int open_for_reading(const char* path) { return ::open(path, O_RDONLY); }
const char* not_a_call() { return "std::chrono::steady_clock::now() dlopen("; }
}  // namespace ion::base
