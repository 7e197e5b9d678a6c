// The project that `ion plugin new` makes: which files, and what is in them. The templates are part of the program.
// Values only. Thread: any.
#pragma once
#include <ion/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::cli {

// "interceptor, router or storage": for messages and help.
std::string plugin_kinds();

struct ProjectFile {
  std::string path;  // inside of the project's folder; no folders of its own
  std::string text;
};
// INVALID: no such kind, or `name` is none: a small letter, then small letters, digits and single '-', at most 48 characters.
Result<std::vector<ProjectFile>> plugin_project(std::string_view name, std::string_view kind);

// Options of ionstreamd that load the plugin for a try: --set KEY=VALUE, without quotes for a shell.
std::vector<std::string> loading_settings(std::string_view name, std::string_view kind, const std::string& directory);

}  // namespace ion::cli
