// Joins the rows of the sections to the root schema, loads a configuration from all its sources, checks it as a whole.
// The one place of this module that knows keys by name, because some rules span sections. Thread: start-up and reload (reads files).
#pragma once
#include "config/config_snapshot.h"
#include "config/kernel_sections.h"

#include <ion/ports.h>
#include <ion/result.h>

#include <string>
#include <vector>

namespace ion::config {

// A section of a module to the right, with ion::schema_of<ItsConfig>(). The module reads it by ConfigSnapshot::section.
struct ModuleSection {
  std::string name, schema;
};

struct LoadRequest {
  std::string config_path;               // --config; empty: no file. Relative to working_dir
  bool dev = false;                      // --dev: one node, the built-in plugins are the lowest layer
  std::string data_dir;                  // --data-dir; empty: not given
  std::vector<std::string> settings;     // --set, "a.b=c", in their order
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_dir = "/";         // absolute
  std::vector<std::string> plugin_directories;  // where this build keeps its plugins: default of plugin_host.directories
  std::vector<ModuleSection> modules;
  Files* root = nullptr;  // rooted at "/"; needed for a file, conf.d and ${file:…}
};

struct Loaded {
  ConfigSnapshot snapshot;
  KernelConfig kernel;
  std::vector<std::string> files;  // read, in the order of their weight: for the log and for a reload
};

// INVALID lists every problem, one per line.
Result<Loaded> load(const LoadRequest& request);

// The published JSON Schema, pretty (--print-schema).
std::string print_schema(const std::vector<ModuleSection>& modules = {});

// A name becomes part of file names and directories: [a-z0-9] and then at most 63 of [a-z0-9._-], in either case.
bool is_plugin_name(std::string_view name);

}  // namespace ion::config
