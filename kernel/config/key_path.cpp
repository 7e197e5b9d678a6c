#include "config/key_path.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion::config {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '$';
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char folded(char c) { return c == '-' ? '_' : lower(c); }

// The quoted key that starts behind `at` ('[' and '"'); leaves `at` behind the closing bracket.
Result<std::string> quoted_key(std::string_view path, size_t& at) {
  std::string key;
  for (at += 2; at < path.size() && path[at] != '"'; ++at) {
    if (path[at] == '\\' && at + 1 < path.size()) ++at;
    key += path[at];
  }
  if (at + 1 >= path.size() || path[at + 1] != ']')
    return Status(ION_E_INVALID, fmt::format("{}: wanted \"] after the quoted key, found the end", path));
  at += 2;
  return key;
}

}  // namespace

std::string member_path(std::string_view object, std::string_view key) {
  if (!key.empty() && std::all_of(key.begin(), key.end(), is_plain))
    return object.empty() ? std::string(key) : fmt::format("{}.{}", object, key);
  std::string quoted;
  for (char c : key) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("{}[\"{}\"]", object, quoted);
}

std::string item_path(std::string_view list, size_t index) { return fmt::format("{}[{}]", list, index); }

Result<std::vector<std::string>> split_path(std::string_view path) {
  std::vector<std::string> keys;
  size_t at = 0;
  while (at < path.size()) {
    if (path.substr(at).starts_with("[\"")) {
      ION_TRY(std::string key, quoted_key(path, at));
      keys.push_back(std::move(key));
    } else {
      const size_t end = std::min(path.find_first_of(".[", at), path.size());
      if (end == at && path[at] == '[')
        return Status(ION_E_INVALID, fmt::format("{}: an item of a list cannot be set alone; give the whole list as JSON", path));
      if (end == at) return Status(ION_E_INVALID, fmt::format("{}: wanted a key, found an empty one", path));
      keys.emplace_back(path.substr(at, end - at));
      at = end;
    }
    if (at < path.size() && path[at] == '.') {
      if (++at == path.size()) return Status(ION_E_INVALID, fmt::format("{}: wanted a key after the last dot", path));
    } else if (at < path.size() && path[at] != '[') {
      return Status(ION_E_INVALID, fmt::format("{}: wanted . or [ after a quoted key, found {}", path, path[at]));
    }
  }
  if (keys.empty()) return Status(ION_E_INVALID, "wanted the path of a key such as log.level, found nothing");
  return keys;
}

bool loosely_equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return folded(x) == folded(y); });
}

std::string environment_form(std::string_view key) {
  std::string form(key);
  for (char& c : form) c = c == '-' ? '_' : upper(c);
  return form;
}

std::string lower_case(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = lower(c);
  return lowered;
}

}  // namespace ion::config
