#include "config/config_sources.h"

#include "config/file_text.h"
#include "config/key_path.h"

#include <fmt/format.h>
#include <ion/suggestion.h>

#include <algorithm>
#include <map>
#include <optional>

namespace ion::config {
namespace {

constexpr std::string_view kPrefix = "ION_";
constexpr std::string_view kSeparator = "__";

// Puts a value at a path; what stands in the way becomes an object of the same origin as the value.
void put(Node& tree, std::span<const std::string> keys, Node value) {
  Node* at = &tree;
  for (const std::string& key : keys) {
    if (!at->is(Kind::kObject)) *at = make_object(at->path, value.origin);
    at = &at->member(key);
    if (at->is(Kind::kNull)) at->origin = value.origin;
  }
  merge(*at, std::move(value));
}

std::string path_of(std::span<const std::string> keys) {
  std::string path;
  for (const std::string& key : keys) path = member_path(path, key);
  return path;
}

std::vector<std::string> split_name(std::string_view name) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = name.find(kSeparator);
    parts.emplace_back(name.substr(0, end));
    if (end == std::string_view::npos) return parts;
    name.remove_prefix(end + kSeparator.size());
  }
}

// The key of this object that a part of a variable's name means; nothing when there is none.
std::optional<std::string> key_for(std::string_view part, const Schema* schema, const Node* object) {
  if (schema != nullptr)
    for (const SchemaProperty& property : schema->properties)
      if (loosely_equal(property.key, part)) return property.key;
  if (object != nullptr)
    for (const Member& m : object->members)
      if (loosely_equal(m.key, part)) return m.key;
  const bool undescribed = schema == nullptr || (schema->properties.empty() && schema->others == Schema::Others::kAny);
  if (undescribed && !part.empty()) return lower_case(part);
  return std::nullopt;
}

// Every variable that would be understood, for suggestions.
void list_names(const Schema& schema, const Node* object, const std::string& prefix, std::vector<std::string>& names) {
  const auto below = [&](const std::string& key, const Schema& inner) {
    const std::string name = prefix + environment_form(key);
    names.push_back(name);
    list_names(inner, object == nullptr ? nullptr : object->find(key), name + std::string(kSeparator), names);
  };
  for (const SchemaProperty& property : schema.properties) below(property.key, property.schema);
  if (schema.others != Schema::Others::kChecked || object == nullptr) return;
  for (const Member& m : object->members)
    if (schema.property(m.key) == nullptr) below(m.key, schema.other.front());
}

Result<std::vector<std::string>> keys_of(std::string_view name, const Schema& root, const Node& tree) {
  std::vector<std::string> keys;
  const Schema* schema = &root;
  const Node* object = &tree;
  for (const std::string& part : split_name(name.substr(kPrefix.size()))) {
    const bool leaf = schema != nullptr && !schema->is(Schema::Type::kObject) && !schema->is(Schema::Type::kAny);
    const std::optional<std::string> key = leaf ? std::nullopt : key_for(part, schema, object);
    if (!key) {
      std::vector<std::string> names;
      list_names(root, &tree, std::string(kPrefix), names);
      const std::string near = nearest(name, names);
      return Status(ION_E_INVALID, fmt::format("environment {}: no key is meant by this name{}", name,
                                               near.empty() ? "; names are ION_SECTION__KEY" : fmt::format("; did you mean {}?", near)));
    }
    schema = schema == nullptr ? nullptr : schema->member(*key);
    object = object == nullptr ? nullptr : object->find(*key);
    keys.push_back(*key);
  }
  return keys;
}

void add_file(Node& tree, Files& root, const std::string& path, Problems& problems) {
  const Result<std::string> text = read_text(root, path, kTextBytesMax);
  if (!text) return problems.add(text.error());
  Result<Node> node = parse_jsonc(*text, Origin{Layer::kFile, path, 0});
  if (!node) return problems.add(node.error());
  if (!node->is(Kind::kObject)) return problems.add(node->origin, "", fmt::format("wanted an object, found {}", shown(*node)));
  merge(tree, *std::move(node));
}

}  // namespace

void merge(Node& under, Node over) {
  if (!under.is(Kind::kObject) || !over.is(Kind::kObject)) {
    under = std::move(over);
    return;
  }
  under.origin = std::move(over.origin);
  for (Member& m : over.members) {
    if (Node* there = under.find(m.key); there != nullptr) merge(*there, std::move(m.value));
    else under.members.push_back(std::move(m));
  }
}

void add_files(Node& tree, Files& root, std::string_view path, std::vector<std::string>& files, Problems& problems) {
  files.emplace_back(path);
  const Result<std::vector<std::string>> overlays = list_files(root, absolute_path("conf.d", directory_of(path)), ".jsonc");
  if (!overlays) return problems.add(overlays.error());
  if (overlays->size() > kOverlaysMax)
    return problems.add(fmt::format("{}: wanted at most {} overlay files, found {}", absolute_path("conf.d", directory_of(path)), kOverlaysMax,
                                    overlays->size()));
  files.insert(files.end(), overlays->begin(), overlays->end());
  for (const std::string& file : files) add_file(tree, root, file, problems);
}

void add_environment(Node& tree, const Schema& schema, std::span<const std::string> environment, Problems& problems) {
  std::map<std::vector<std::string>, std::string> seen;
  std::vector<std::pair<std::vector<std::string>, Node>> values;  // put after all names are settled: none shall depend on another
  for (const std::string& variable : environment) {
    const size_t equals = variable.find('=');
    const std::string name = variable.substr(0, equals);
    if (equals == std::string::npos || !name.starts_with(kPrefix)) continue;
    if (name.find(kSeparator, kPrefix.size()) == std::string::npos) continue;
    Result<std::vector<std::string>> keys = keys_of(name, schema, tree);
    if (!keys) {
      problems.add(keys.error());
      continue;
    }
    const std::string path = path_of(*keys);
    if (const auto [at, first] = seen.emplace(*keys, name); !first) {
      problems.add(fmt::format("environment {}: {} is already set by {}", name, path, at->second));
      continue;
    }
    Node value = parse_untyped(std::string_view(variable).substr(equals + 1), Origin{Layer::kEnvironment, name, 0}, path);
    values.emplace_back(*std::move(keys), std::move(value));
  }
  std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.first < b.first; });  // a section before its keys
  for (auto& [keys, value] : values) put(tree, keys, std::move(value));
}

void add_flag(Node& tree, std::string_view flag, std::string_view path, std::string_view text, Problems& problems) {
  const Result<std::vector<std::string>> keys = split_path(path);
  if (!keys) return problems.add(fmt::format("{}: {}", flag, keys.error().message()));
  put(tree, *keys, parse_untyped(text, Origin{Layer::kFlag, std::string(flag), 0}, path_of(*keys)));
}

void add_setting(Node& tree, std::string_view setting, Problems& problems) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos) return problems.add(fmt::format("--set {}: wanted KEY=VALUE such as log.level=debug", setting));
  const std::string_view path = setting.substr(0, equals);
  add_flag(tree, fmt::format("--set {}", path), path, setting.substr(equals + 1), problems);
}

}  // namespace ion::config
