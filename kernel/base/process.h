// This process: its standard files, its environment, temporary directories, and the way out.
// Thread: main, at start and at the end.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ion::base {

// Descriptors 0, 1 and 2 that are closed are opened on /dev/null, so that no file of ours gets their number and, with it, our log.
// Before anything else opens a file.
void open_standard_files();

// Writes all of it. The system's error when it cannot be written; CLOSED: the reader of a pipe has gone; DEADLINE: a pipe stayed full
// for `limit`.
Status write_text(int descriptor, std::string_view text, Nanos limit);

std::vector<std::string> environment();   // "NAME=value"
Result<std::string> working_directory();  // absolute
Result<std::string> program_directory();  // absolute, without links
// Below $TMPDIR or /tmp, mode 0700: PREFIX-PID-XXXXXX. Directories of this form that an earlier process of this user has left
// behind are removed first: that process is gone and nobody holds the lock on `lock_file` in them.
Result<std::string> make_temporary_directory(std::string_view prefix, std::string_view lock_file);
void remove_tree(const std::string& directory);  // best effort: a temporary directory at the end
// An exception that nobody caught is told in words: an allocation or a thread that the system refused ends the process with exit code 1,
// anything else by abort, as without this. Before the first thread.
void tell_uncaught_exceptions();
// A crash is told on stderr, with the plugin whose code it happened in; then the process ends as without this. Before the first thread.
void tell_crashes();
uint64_t resident_bytes();  // memory of this process without maps of files; 0: the system does not say
uint32_t process_id();
[[noreturn]] void leave_process(int code);  // without static destructors

}  // namespace ion::base
