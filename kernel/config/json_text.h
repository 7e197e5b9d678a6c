// A tree as JSON text again. Pure; any thread.
#pragma once
#include "config/json_tree.h"

#include <string>

namespace ion::config {

enum class Look : uint8_t {
  kCompact,  // for a plugin: one line, secrets as they are, units as whole numbers
  kPretty,   // for people: secrets and what no schema has seen are "***", units written out; can be loaded again
  kLine,     // the same on one line
};
std::string json_text(const Node& node, Look look);

}  // namespace ion::config
