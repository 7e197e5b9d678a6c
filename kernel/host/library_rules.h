// Which libraries a plugin may ask for. One copy of libstdc++, protobuf, gRPC and OpenSSL in the process is what keeps plugins
// from tearing each other apart, so the list names the distribution's shared ones. Pure.
#pragma once
#include <ion/elf_notes.h>

#include <span>
#include <string>
#include <string_view>

namespace ion::host {

// '*' stands for any text, also none.
bool matches_pattern(std::string_view pattern, std::string_view text);

// FORBIDDEN names the library, or the search path that would change with the copy's folder.
// `own` are the names that the lib folder beside the plugins holds.
Status check_libraries(const ElfLibraries& libraries, std::span<const std::string> own);

}  // namespace ion::host
