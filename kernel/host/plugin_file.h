// From a name in the configuration to code in memory: finds the plugin's file, proves that nobody but root and this user could
// have written it, hashes it, makes the private copy that is mapped, and maps it. The only file that opens libraries.
// Nothing here runs plugin code except map_plugin and map_library. Thread: control (and the probe's child).
#pragma once
#include <ion/elf_notes.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::host {

constexpr size_t kPluginBytesMax = size_t{512} << 20;

// Where plugins may come from and where their copies go.
struct PluginPlaces {
  std::vector<std::string> directories;  // searched in this order; nothing outside of them is ever loaded
  std::string data_dir;                  // copies: <data_dir>/plugins/<sha256>/<file>
  std::vector<std::string> allow;        // "name=sha256"; empty: every file that passes the other checks
};

// A file that may be loaded, and what it says about itself.
struct PluginFile {
  std::string path;    // without symbolic links
  std::string sha256;  // of `bytes`
  std::vector<uint8_t> bytes;
  PluginNotes notes;
  std::vector<std::string> remarks;        // see file_remarks.h
  std::vector<std::string> own_libraries;  // absolute paths in the `lib` folder beside the plugin's folder, opened before it
};

// Finds ionstream-plugin-<name>.so, or what `path` says (another plugin's name, or a file: absolute, or relative to a directory),
// and checks file, parents, hash, libraries and notes. Reads only. Messages do not name the plugin, the caller does.
Result<PluginFile> find_plugin(const PluginPlaces& places, std::string_view name, std::string_view path);

// Writes the private copy, or proves the one that is there. Its path.
Result<std::string> copy_plugin(const PluginFile& file, const std::string& data_dir);

// The bytes of a copy, checked like any plugin file.
Result<std::vector<uint8_t>> read_copy(const std::string& copy);

// Runs static constructors: a child has done it first. What is mapped stays mapped. FAILED with the loader's own words.
Result<ion_entry_fn> map_plugin(const std::string& copy);
Status map_library(const std::string& path);

}  // namespace ion::host
