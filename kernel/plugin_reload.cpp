// What a configuration that was read again does to the plugins that serve.
#include "plugin_set.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion {
namespace {

void add_paths(const std::vector<config::Change>& keys, std::vector<std::string>& to, bool (*which)(const config::Change&)) {
  for (const config::Change& key : keys)
    if (which(key)) to.push_back(key.path);
}
constexpr auto any = [](const config::Change&) { return true; };
constexpr auto reloadable = [](const config::Change& c) { return c.reloadable; };
constexpr auto fixed = [](const config::Change& c) { return !c.reloadable; };

}  // namespace

// Nothing: it runs on that section already, or is not loaded.
Result<std::optional<PluginSet::Change>> PluginSet::change_of(const config::PluginConfig& next) const {
  const bool serves = std::any_of(config_.plugins.begin(), config_.plugins.end(), [&](const config::PluginConfig& p) { return p.enabled && p.name == next.name; });
  if (!serves || !next.enabled) return std::optional<Change>();
  Change change;
  change.entry = &next;
  ION_TRY(change.how, host_.reloading(next.name));
  ION_TRY(change.next, check_section(next, change.how.schema, config_.limits.batch_bytes_max));
  {
    const std::lock_guard lock(mutex_);
    const config::Node* plugins = snapshot_.tree().find("plugins");
    const config::Node* plugin = plugins == nullptr ? nullptr : plugins->find(next.name);
    const config::Node* running = plugin == nullptr ? nullptr : plugin->find("config");
    if (running != nullptr) change.running = *running;
  }
  change.keys = config::changes_between(change.running, change.next.tree);
  return change.keys.empty() ? std::optional<Change>() : std::optional<Change>(std::move(change));
}

Result<PluginSet::Reloaded> PluginSet::reload(const config::KernelConfig& next, pipeline::InterceptorChain* interceptors) {
  std::vector<Change> changes;
  std::string problems;
  for (const config::PluginConfig& plugin : next.plugins) {
    auto change = change_of(plugin);
    if (!change) problems += (problems.empty() ? "" : "\n") + change.error().message();
    else if (*change) changes.push_back(**std::move(change));
  }
  if (!problems.empty()) return Status(ION_E_INVALID, problems);
  Reloaded reloaded;
  for (Change& change : changes) take(change, interceptors, reloaded);
  return reloaded;
}

void PluginSet::take(Change& change, pipeline::InterceptorChain* interceptors, Reloaded& reloaded) {
  const std::string& name = change.entry->name;
  const bool some_fixed = std::any_of(change.keys.begin(), change.keys.end(), fixed), some_reloadable = std::any_of(change.keys.begin(), change.keys.end(), reloadable);
  Status done;
  if (change.how.replaceable && interceptors != nullptr && (some_fixed || !change.how.reconfigures)) {
    const auto replaced = replace_with(*change.entry, change.how.file, *interceptors);
    if (!replaced) done = replaced.error();
    else add_paths(change.keys, reloaded.changed, any);
  } else if (change.how.reconfigures && some_reloadable) {
    done = reconfigure(change);
    if (done.ok()) add_paths(change.keys, reloaded.changed, reloadable), add_paths(change.keys, reloaded.waiting, fixed);
  } else {
    return add_paths(change.keys, reloaded.waiting, any);
  }
  if (done.ok()) {
    const std::lock_guard lock(mutex_);
    reread_.insert_or_assign(name, *change.entry);
    return;
  }
  world_.logger().error("a plugin does not take its new configuration and goes on with the one it has", {{"plugin", name}, {"why", done.text()}});
  add_paths(change.keys, reloaded.waiting, any);
}

Status PluginSet::reconfigure(const Change& change) {
  const config::CheckedConfig mixed = config::with_reloadable(change.running, change.next.tree);
  ION_CHECK(host_.reconfigure(change.entry->name, mixed.json));
  const std::lock_guard lock(mutex_);
  snapshot_ = snapshot_.with_plugin(change.entry->name, mixed);
  return {};
}

}  // namespace ion
