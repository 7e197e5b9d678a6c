// Texts through the port Files, which is rooted at "/" here: an operator names files anywhere, and the port knows only paths
// below its root. Thread: blocking, or start-up.
#pragma once
#include <ion/ports.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::config {

// An absolute path without "." and ".."; a relative one starts at `directory`, which is absolute.
std::string absolute_path(std::string_view path, std::string_view directory);
std::string directory_of(std::string_view absolute);

// The whole file; longer than `bytes_max` is refused. `path` is absolute.
Result<std::string> read_text(Files& root, std::string_view path, uint64_t bytes_max);
// The absolute paths of the files in a directory that end in `ending`, sorted by name; none when there is no directory.
Result<std::vector<std::string>> list_files(Files& root, std::string_view directory, std::string_view ending);

}  // namespace ion::config
