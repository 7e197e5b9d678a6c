// This process: where its program lies, its environment, temporary directories, and the way out.
// Thread: main, at start and at the end.
#pragma once
#include <ion/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::base {

std::vector<std::string> environment();       // "NAME=value"
Result<std::string> working_directory();      // absolute
Result<std::string> program_directory();      // absolute, without links
Result<std::string> make_temporary_directory(std::string_view prefix);  // below $TMPDIR or /tmp, mode 0700
void remove_tree(const std::string& directory);  // best effort: a temporary directory at the end
// What large messages were received into is kept for the next ones. glibc gives such memory back at once and faults it in again, page
// by page: a sixth of the null broker's throughput. Price: what the process used at its peak (bounded by the memory budget) stays.
// Before the first thread. No effect with another allocator.
void keep_freed_memory();
[[noreturn]] void leave_process(int code);    // without static destructors

}  // namespace ion::base
