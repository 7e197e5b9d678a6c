#include "config/config_snapshot.h"

#include "config/key_path.h"
#include "config/schema_check.h"

#include <fmt/format.h>

namespace ion::config {
namespace {

bool equal(const Node& a, const Node& b) { return a.kind == b.kind && json_text(a, Look::kCompact) == json_text(b, Look::kCompact); }

// The keys of `object` that `other` has too, in their order.
std::vector<std::string_view> common_keys(const Node& object, const Node& other) {
  std::vector<std::string_view> keys;
  for (const Member& m : object.members)
    if (other.find(m.key) != nullptr) keys.push_back(m.key);
  return keys;
}

// The order of free keys is a value too (plugins: the order of interceptors); named keys stand in the order of the schema.
void compare(const Node& before, const Node& after, std::vector<Change>& changes) {
  if (!before.is(Kind::kObject) || !after.is(Kind::kObject)) {
    if (!equal(before, after)) changes.push_back({after.path, before.reloadable && after.reloadable});
    return;
  }
  if (common_keys(before, after) != common_keys(after, before)) changes.push_back({after.path, before.reloadable && after.reloadable});
  for (const Member& m : before.members) {
    if (const Node* there = after.find(m.key); there != nullptr) compare(m.value, *there, changes);
    else changes.push_back({m.value.path, m.value.reloadable});
  }
  for (const Member& m : after.members)
    if (before.find(m.key) == nullptr) changes.push_back({m.value.path, m.value.reloadable});
}

void adopt(Node& running, const Node& next) {
  if (!running.is(Kind::kObject) || !next.is(Kind::kObject)) {
    if (next.reloadable) running = next;
    return;
  }
  std::erase_if(running.members, [&](const Member& m) { return m.value.reloadable && next.find(m.key) == nullptr; });
  for (const Member& m : next.members) {
    if (Node* there = running.find(m.key); there != nullptr) adopt(*there, m.value);
    else if (m.value.reloadable) running.members.push_back(m);
  }
}

void add_settings(const Node& node, std::vector<const Node*>& to) {
  if (node.members.empty()) return to.push_back(&node);
  for (const Member& m : node.members) add_settings(m.value, to);
}

}  // namespace

Result<CheckedConfig> check_plugin_config(const Node& config, std::string_view plugin, std::string_view schema_text) {
  ION_TRY(const Schema schema, Schema::parse(schema_text, fmt::format("schema of plugin {}", plugin)));
  if (!schema.is(Schema::Type::kObject))
    return Status(ION_E_INVALID, fmt::format("schema of plugin {}: wanted type object, found {}", plugin, type_text(schema.type)));
  CheckedConfig checked{config, {}};
  Problems problems;
  check(checked.tree, schema, problems);
  ION_CHECK(problems.status());
  checked.json = json_text(checked.tree, Look::kCompact);
  return checked;
}

const Node* ConfigSnapshot::find(std::string_view path) const {
  const Result<std::vector<std::string>> keys = split_path(path);
  const Node* at = keys ? &tree_ : nullptr;
  for (size_t i = 0; at != nullptr && i < keys->size(); ++i) at = at->find((*keys)[i]);
  return at;
}

ConfigSnapshot ConfigSnapshot::with_plugin(std::string_view name, const CheckedConfig& checked) const {
  ConfigSnapshot next = *this;
  Node* plugins = next.tree_.find("plugins");
  Node* plugin = plugins == nullptr ? nullptr : plugins->find(name);
  if (plugin != nullptr) plugin->member("config") = checked.tree;
  return next;
}

std::vector<const Node*> ConfigSnapshot::settings(std::string_view path) const {
  std::vector<const Node*> all;
  if (const Node* below = path.empty() ? &tree_ : find(path); below != nullptr) add_settings(*below, all);
  return all;
}

std::vector<Change> changes_between(const Node& before, const Node& after) {
  std::vector<Change> changes;
  compare(before, after, changes);
  return changes;
}

CheckedConfig with_reloadable(const Node& running, const Node& next) {
  CheckedConfig mixed{running, {}};
  adopt(mixed.tree, next);
  mixed.json = json_text(mixed.tree, Look::kCompact);
  return mixed;
}

}  // namespace ion::config
