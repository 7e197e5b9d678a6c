// Where a configuration comes from, and how the layers become one tree: defaults < file < conf.d/*.jsonc (sorted, beside the
// file) < environment ION_SECTION__KEY < --set a.b=c. Objects are merged key by key, anything else is replaced as a whole.
// Thread: start-up (reads files).
#pragma once
#include "config/problems.h"
#include "config/schema.h"

#include <ion/ports.h>

#include <span>
#include <string>
#include <string_view>

namespace ion::config {

constexpr size_t kOverlaysMax = 256;  // files of conf.d

// `over` wins. Keys keep their place, new ones come behind.
void merge(Node& under, Node over);

// The file and its overlays, merged into `tree`; the paths that were read are added to `files`.
void add_files(Node& tree, Files& root, std::string_view absolute_path, std::vector<std::string>& files, Problems& problems);

// Variables "ION_A__B=value": names match keys without regard to case, '_' also matches '-'. Names of free keys (plugins) must
// be there already; below an object that no schema describes the name is taken in lower case.
// ION_X without "__" belongs to the command line tools and is passed over.
void add_environment(Node& tree, const Schema& schema, std::span<const std::string> environment, Problems& problems);

// "a.b=c": the value is JSON if it is JSON, else text. `flag` is how the error names it, usually "--set a.b=...".
void add_setting(Node& tree, std::string_view setting, Problems& problems);
// The same for a flag that has its own name.
void add_flag(Node& tree, std::string_view flag, std::string_view path, std::string_view text, Problems& problems);

}  // namespace ion::config
