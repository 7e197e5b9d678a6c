// The path of a configuration key as text, in both directions: plugins.storage-mmap.config.segment_bytes, directories[0],
// plugins["com.example.check"].enabled. What is printed in an error can be given to --set. Pure; any thread.
#pragma once
#include <ion/result.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ion::config {

// The path of a member; a key with other characters than [A-Za-z0-9_$-] stands in brackets and quotes.
std::string member_path(std::string_view object, std::string_view key);
std::string item_path(std::string_view list, size_t index);

// The keys of "a.b" or a["b.c"].d. A list index is refused: a list is given as a whole.
Result<std::vector<std::string>> split_path(std::string_view path);

// Equal without regard to case and with '_' for '-': how a name of an environment variable meets a key.
bool loosely_equal(std::string_view a, std::string_view b);
std::string environment_form(std::string_view key);  // "storage-mmap" is STORAGE_MMAP
std::string lower_case(std::string_view text);

}  // namespace ion::config
