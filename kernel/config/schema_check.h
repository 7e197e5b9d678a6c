// Checks a tree against a schema and makes it complete: defaults filled in, units turned into whole numbers (bytes, ns), members
// in the order of the schema (of an object with free keys: in the order of the text). All problems are collected.
// Our own and not valijson's: a validator answers yes or no, and we need the completed tree, units, and a suggestion for a key
// that nobody knows. Pure; any thread.
#pragma once
#include "config/problems.h"
#include "config/schema.h"

namespace ion::config {

// After problems the tree is unusable. Bound: the depth of the tree, kDepthMax, and of the schema.
void check(Node& tree, const Schema& schema, Problems& problems);

}  // namespace ion::config
