#include "plugin_project.h"

#include <algorithm>
#include <array>

namespace ion::cli {
namespace {

struct Template {
  std::string_view path, text;  // KIND/FILE
};
constexpr Template kTemplates[] = {
#include "plugin_templates.inc"
};
// Each kind, and the plugin of the broker in whose place such a plugin is loaded; null: it stands beside the others.
struct Kind {
  std::string_view name;
  const char* in_place_of;
};
constexpr std::array kKinds{Kind{"interceptor", nullptr}, Kind{"router", "partition-router"}, Kind{"storage", "storage-mmap"}};
constexpr size_t kNameMax = 48;

const Kind* find_kind(std::string_view name) {
  const auto at = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == name; });
  return at == kKinds.end() ? nullptr : &*at;
}

bool is_name(std::string_view name) {
  const auto small = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.empty() || name.size() > kNameMax || !small(name.front()) || name.back() == '-' || name.find("--") != name.npos) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return small(c) || digit(c) || c == '-'; });
}

std::string with_name(std::string_view text, std::string_view placeholder, std::string_view name) {
  std::string made;
  for (size_t at = 0;;) {
    const size_t found = text.find(placeholder, at);
    made += text.substr(at, found - at);
    if (found == text.npos) return made;
    made += name;
    at = found + placeholder.size();
  }
}

}  // namespace

std::string plugin_kinds() {
  std::string list;
  for (size_t i = 0; i < kKinds.size(); ++i) list += (i == 0 ? "" : i + 1 == kKinds.size() ? " or " : ", ") + std::string(kKinds[i].name);
  return list;
}

Result<std::vector<ProjectFile>> plugin_project(std::string_view name, std::string_view kind) {
  if (find_kind(kind) == nullptr) return Status(ION_E_INVALID, "--kind: want " + plugin_kinds() + ", have \"" + std::string(kind) + "\"");
  if (!is_name(name))
    return Status(ION_E_INVALID, "name of a plugin: want a small letter, then small letters, digits and single '-', at most " +
                                     std::to_string(kNameMax) + " characters, have \"" + std::string(name) + "\"");
  const std::string folder = std::string(kind) + "/", placeholder = "template-" + std::string(kind);
  std::vector<ProjectFile> files{{".gitignore", "build/\n"}};
  for (const Template& t : kTemplates)
    if (t.path.starts_with(folder)) files.push_back({std::string(t.path.substr(folder.size())), with_name(t.text, placeholder, name)});
  return files;
}

std::vector<std::string> loading_settings(std::string_view name, std::string_view kind, const std::string& directory) {
  std::vector<std::string> settings{"plugin_host.extra_directories=[\"" + directory + "\"]"};
  const Kind* known = find_kind(kind);
  if (known != nullptr && known->in_place_of != nullptr) settings.push_back("plugins." + std::string(known->in_place_of) + ".enabled=false");
  settings.push_back("plugins." + std::string(name) + ".enabled=true");
  return settings;
}

}  // namespace ion::cli
