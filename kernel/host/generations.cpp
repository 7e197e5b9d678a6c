// Another generation of a plugin beside the one that serves. Every step before the exchange is undone when it fails, and the old one has
// noticed nothing; after it the old one ends what it began.
#include "host/plugin_host.h"
#include "host/plugin_manifest.h"
#include "host/plugin_order.h"

#include <ion/abi/contract/interceptor.h>
#include <ion/abi/contract/router.h>
#include <ion/abi/host/rpc.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ion::host {
namespace {

Status named(std::string_view plugin, const Status& why) {
  return {why.code(), fmt::format("plugin {}: {}", plugin, why.message()), why.reason()};
}

// Who holds state for others, or is called by handle, cannot be exchanged under them.
Status check_kind(const PluginInfo& old) {
  for (const std::string& contract : old.provides)
    if (contract != ION_INTERCEPTOR_ID && contract != ION_ROUTER_ID)
      return {ION_E_UNSUPPORTED, fmt::format("it provides {}: only plugins of {} and {} are replaced while the broker serves, others take a restart", contract,
                                             ION_INTERCEPTOR_ID, ION_ROUTER_ID)};
  return {};
}

Status check_same(const PluginInfo& old, const PluginNotes& next) {
  if (next.id != old.id) return {ION_E_CONFLICT, fmt::format("the file is plugin {}: wanted another version of {}", next.id, old.id)};
  if (next.provides != old.provides)
    return {ION_E_CONFLICT, fmt::format("the file provides {}: wanted what serves now, {}", fmt::join(next.provides, ", "), fmt::join(old.provides, ", "))};
  for (const std::string& need : next.needs)
    if (without_mark(need) == ION_RPC_ID)
      return {ION_E_UNSUPPORTED, fmt::format("it needs {}: handlers of RPCs are not handed over, so that takes a restart", ION_RPC_ID)};
  return {};
}

}  // namespace

Status PluginHost::begin_replacement() {
  const std::lock_guard lock(mutex_);
  if (closed_) return {ION_E_CLOSED, "the broker is going down", "DRAINING"};
  if (replacing_) return {ION_E_CONFLICT, "another plugin is being replaced: one at a time", "REPLACING"};
  replacing_ = true;
  return {};
}

void PluginHost::end_replacement() {
  const std::lock_guard lock(mutex_);
  replacing_ = false;
  moved_.notify_all();
}

Result<Replaced> PluginHost::replace(const PluginSpec& spec, const Succession& succession) {
  ION_CHECK(begin_replacement());
  Result<Replaced> replaced = replace_one(spec, succession);
  end_replacement();
  if (replaced) return replaced;
  shared_->world.logger().warn("a plugin was not replaced, the one that served goes on", {{"plugin", spec.name}, {"why", replaced.error().text()}});
  return replaced.error().message().starts_with("plugin ") ? replaced.error() : named(spec.name, replaced.error());
}

Result<Replaced> PluginHost::replace_one(const PluginSpec& spec, const Succession& succession) {
  const std::shared_ptr<PluginInstance> old = current(spec.name);
  if (old == nullptr) return Status(ION_E_NOT_FOUND, "no plugin has that name", "PLUGIN_NOT_FOUND");
  const PluginInfo info = old->info();
  ION_CHECK(check_kind(info));
  ION_TRY(const std::vector<Candidate> found, examine({spec}));
  const Candidate& candidate = found.front();
  ION_CHECK(check_same(info, candidate.file.notes));
  ION_CHECK(check_order(candidate));
  ION_TRY(const std::shared_ptr<PluginInstance> next, bring_up(candidate, *old));
  Status accepted;
  for (const auto& [contract, ref] : next->contracts())
    if (accepted.ok()) accepted = succession.accepts(contract, ref);
  if (!accepted.ok()) return give_up(next), accepted;
  exchange(old, next, succession);
  Replaced replaced{candidate.file.notes.version, info.version, candidate.file.path, next->info().generation, false};
  replaced.old_stays = !retire(old, succession);
  return replaced;
}

Result<PluginHost::Reloading> PluginHost::reloading(const std::string& name) const {
  const std::shared_ptr<PluginInstance> instance = current(name);
  if (instance == nullptr) return Status(ION_E_NOT_FOUND, fmt::format("plugin {}: no plugin has that name", name), "PLUGIN_NOT_FOUND");
  const std::string_view schema = instance->schema();
  const PluginInfo info = instance->info();
  return Reloading{schema.empty() ? kNoSettings : schema, info.file, instance->reconfigures(), check_kind(info).ok()};
}

Status PluginHost::reconfigure(const std::string& name, std::string config) {
  ION_CHECK(begin_replacement());
  const std::shared_ptr<PluginInstance> instance = current(name);
  Status done(ION_E_NOT_FOUND, fmt::format("plugin {}: no plugin has that name", name), "PLUGIN_NOT_FOUND");
  if (instance != nullptr)
    done = instance->reconfigures() ? instance->reconfigure(std::move(config))
                                    : Status(ION_E_UNSUPPORTED, fmt::format("plugin {}: it takes no other configuration while it serves", name));
  end_replacement();
  return done;
}

// With the plugins that are there, as at a start.
Status PluginHost::check_order(const Candidate& candidate) const {
  std::vector<PluginLinks> links;
  for (const PluginInfo& p : plugins()) {
    const bool it = p.name == candidate.spec.name;
    links.push_back({p.name, it ? candidate.file.notes.provides : p.provides, it ? candidate.file.notes.needs : p.needs});
  }
  const auto ordered = order_plugins(links, service_ids(shared_->environment));
  return ordered ? Status() : ordered.error();
}

// Mapped, created and started, and nobody knows it yet.
Result<std::shared_ptr<PluginInstance>> PluginHost::bring_up(const Candidate& candidate, const PluginInstance& old) {
  const std::string& name = candidate.spec.name;
  std::set<std::string>& mapped = mapped_[name];
  if (!mapped.contains(candidate.file.sha256) && mapped.size() >= options_.generations_max)
    return Status(ION_E_FAILED, fmt::format("{} files of it are in memory, which is plugin_host.generations_max: code is never unloaded, a restart makes room", mapped.size()),
                  "GENERATIONS");
  ION_TRY(const std::vector<Mapped> code, map_all({candidate}, {0}));
  mapped.insert(candidate.file.sha256);
  const auto next = make_instance(candidate, code.front(), old.place(), old.info().generation + 1);
  Status up = next->create({name, old.home(), options_.places.data_dir + "/" + name, candidate.file.notes.needs});
  if (up.ok()) up = next->start();
  if (up.ok()) return next;
  give_up(next);
  return Status(ION_E_FAILED, up.message(), up.reason());  // whatever the plugin called it: to ask again would load it again
}

// A new one that will not serve.
void PluginHost::give_up(const std::shared_ptr<PluginInstance>& next) {
  (void)next->drain(options_.step_deadline);
  const Status ended = next->destroy(options_.step_deadline);
  if (ended.ok()) return;
  shared_->world.logger().error("a plugin was left in memory", {{"plugin", next->name()}, {"why", ended.text()}});
  const std::lock_guard lock(mutex_);
  retired_.push_back(next);
}

void PluginHost::exchange(const std::shared_ptr<PluginInstance>& old, const std::shared_ptr<PluginInstance>& next, const Succession& succession) {
  next->take_over(*old);
  {
    const std::lock_guard lock(mutex_);
    *std::find(instances_.begin(), instances_.end(), old) = next;
    retired_.push_back(old);
  }
  const PluginInfo info = next->info();
  for (const auto& [contract, ref] : next->contracts()) succession.swap(contract, ref, info);
  shared_->world.logger().info("a plugin was replaced", {{"plugin", info.name},
                                                       {"generation", std::to_string(info.generation)},
                                                       {"version", info.version},
                                                       {"sha256", info.sha256},
                                                       {"file", info.file}});
}

// False: something of it is still there.
bool PluginHost::retire(const std::shared_ptr<PluginInstance>& old, const Succession& succession) {
  Status ended = succession.departed(options_.step_deadline)
                     ? Status()
                     : Status(ION_E_DEADLINE, fmt::format("calls of it have not come back within {:g} s", options_.step_deadline.seconds()));
  if (ended.ok()) ended = old->drain(options_.step_deadline);
  if (ended.ok()) ended = old->destroy(options_.step_deadline);
  const std::lock_guard lock(mutex_);
  if (ended.ok()) {
    std::erase(retired_, old);
    ended_.push_back(old);
    return true;
  }
  shared_->world.logger().error("the old generation of a plugin stays in memory", {{"plugin", old->name()}, {"why", ended.text()}});
  return false;
}

}  // namespace ion::host
