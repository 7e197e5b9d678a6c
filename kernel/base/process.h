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
[[noreturn]] void leave_process(int code);    // without static destructors

}  // namespace ion::base
