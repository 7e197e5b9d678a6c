// ${NAME}, ${NAME:default} and ${file:path} inside texts; $${ is a plain ${. What is put in is not looked at again.
// A variable that is not set and has no default is a problem. Thread: start-up (reads files).
#pragma once
#include "config/problems.h"

#include <ion/ports.h>

#include <span>
#include <string>
#include <string_view>

namespace ion::config {

constexpr uint64_t kSubstitutedBytesMax = 64 << 10;  // of one ${file:…}: a password, a key, not a database

struct Substitutions {
  std::span<const std::string> environment;  // "NAME=value"
  std::string_view working_dir;              // of a relative ${file:…} in a variable or flag; in a file: where that file lies
  Files* root = nullptr;                     // rooted at "/"; nullptr: ${file:…} is refused
};

// Every text of the tree, in place. A text with a substitution becomes untyped: "${PORT:9640}" may be a number.
void substitute(Node& tree, const Substitutions& with, Problems& problems);

const std::string* find_variable(std::span<const std::string> environment, std::string_view name);

}  // namespace ion::config
