#include "config/substitution.h"

#include "config/file_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion::config {
namespace {

constexpr std::string_view kFilePrefix = "file:";

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Result<std::string> file_content(std::string_view path, const Node& node, const Substitutions& with) {
  if (with.root == nullptr) return Status(ION_E_UNSUPPORTED, "${file:...} is not offered here");
  const bool in_file = node.origin.layer == Layer::kFile;
  ION_TRY(std::string text, read_text(*with.root, absolute_path(path, in_file ? directory_of(node.origin.source) : std::string(with.working_dir)),
                                      kSubstitutedBytesMax));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// What stands between "${" and "}".
Result<std::string> value_of(std::string_view inside, const Node& node, const Substitutions& with) {
  if (inside.starts_with(kFilePrefix)) return file_content(inside.substr(kFilePrefix.size()), node, with);
  const size_t colon = inside.find(':');
  const std::string_view name = inside.substr(0, colon);
  if (!is_name(name)) return Status(ION_E_INVALID, fmt::format("wanted the name of a variable in ${{...}}, found \"{}\"", name));
  const std::string* variable = find_variable(with.environment, name);
  if (variable != nullptr) return variable->substr(name.size() + 1);
  if (colon != std::string_view::npos) return std::string(inside.substr(colon + 1));
  return Status(ION_E_NOT_FOUND, fmt::format("the variable {} is not set; ${{{}:default}} gives it a default", name, name));
}

Result<std::string> replaced(const Node& node, const Substitutions& with) {
  std::string out;
  std::string_view rest = node.text;
  while (true) {
    const size_t at = rest.find("${");
    if (at == std::string_view::npos) return out.append(rest);
    if (at > 0 && rest[at - 1] == '$') {
      out.append(rest.substr(0, at - 1)).append("${");
      rest.remove_prefix(at + 2);
      continue;
    }
    const size_t end = rest.find('}', at);
    if (end == std::string_view::npos) return Status(ION_E_INVALID, "wanted } after ${, found the end; $${ is a plain ${");
    ION_TRY(const std::string value, value_of(rest.substr(at + 2, end - at - 2), node, with));
    out.append(rest.substr(0, at)).append(value);
    rest.remove_prefix(end + 1);
  }
}

}  // namespace

const std::string* find_variable(std::span<const std::string> environment, std::string_view name) {
  for (const std::string& variable : environment)
    if (variable.size() > name.size() && variable[name.size()] == '=' && variable.starts_with(name)) return &variable;
  return nullptr;
}

void substitute(Node& tree, const Substitutions& with, Problems& problems) {
  if (tree.is(Kind::kText) && tree.text.find("${") != std::string::npos) {
    Result<std::string> text = replaced(tree, with);
    if (!text) {
      tree.broken = true;
      return problems.add(tree.origin, tree.path, text.error().message());
    }
    tree.text = *std::move(text);
    tree.untyped = true;
  }
  for (Member& m : tree.members) substitute(m.value, with, problems);
  for (Node& item : tree.items) substitute(item, with, problems);
}

}  // namespace ion::config
