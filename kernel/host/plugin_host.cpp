#include "host/plugin_host.h"

#include "base/kept_objects.h"
#include "host/plugin_manifest.h"
#include "host/plugin_order.h"
#include "host/plugin_probe.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

namespace ion::host {

namespace {

Status named(std::string_view plugin, const Status& why) {
  return {why.code(), fmt::format("plugin {}: {}", plugin, why.message()), why.reason()};
}

// An operator wants to hear of all faults at once; the code is that of the first.
void collect(Status& all, const Status& one) {
  if (one.ok()) return;
  all = all.ok() ? one : Status(all.code(), all.message() + "\n" + one.message(), all.reason());
}

}  // namespace

PluginHost::PluginHost(HostEnvironment environment, PluginHostOptions options)
    : options_(std::move(options)), shared_(std::make_shared<HostShared>(std::move(environment))) {
  shared_->before_snapshot = [this] {
    for (const auto& instance : instances()) instance->record_leases();
  };
}

PluginHost::~PluginHost() {
  shared_->before_snapshot = nullptr;
  // Nobody may free what a plugin may still call.
  for (auto* list : {&instances_, &retired_})
    for (auto& instance : *list)
      if (!instance->destroyed()) base::keep_until_exit(std::move(instance));
}

Result<std::vector<PluginHost::Candidate>> PluginHost::examine(const std::vector<PluginSpec>& specs) const {
  if (specs.size() > kPluginsMax)
    return Status(ION_E_INVALID, fmt::format("wanted at most {} plugins, have {}", kPluginsMax, specs.size()));
  Status all;
  std::vector<Candidate> candidates;
  const auto one = [&](const PluginSpec& spec) -> Status {
    ION_CHECK(check_name(spec.name));
    ION_TRY(PluginFile file, find_plugin(options_.places, spec.name, spec.path));
    ION_CHECK(check_version(file.notes));
    if (!options_.allow_drafts) ION_CHECK(check_drafts(file.notes));
    const std::string_view schema = file.notes.schema.empty() ? kNoSettings : std::string_view(file.notes.schema);
    ION_TRY(std::string config, spec.check ? spec.check(schema) : Result<std::string>("{}"));
    candidates.push_back({spec, std::move(file), std::move(config)});
    return {};
  };
  for (const PluginSpec& spec : specs)
    if (const Status status = one(spec); !status.ok()) collect(all, named(spec.name, status));
  if (!all.ok()) return all;
  return candidates;
}

Status PluginHost::check_required(const std::vector<Candidate>& candidates) const {
  Status all;
  for (const RequiredContract& contract : options_.required) {
    const bool there = std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& c) {
      return std::find(c.file.notes.provides.begin(), c.file.notes.provides.end(), contract.id) != c.file.notes.provides.end();
    });
    if (!there) collect(all, {ION_E_NOT_FOUND, fmt::format("plugins: none provides {}: {}", contract.id, contract.without)});
  }
  return all;
}

Result<std::vector<size_t>> PluginHost::order(const std::vector<Candidate>& candidates) const {
  std::vector<PluginLinks> links;
  for (const Candidate& c : candidates) links.push_back({c.spec.name, c.file.notes.provides, c.file.notes.needs});
  return order_plugins(links, service_ids(shared_->environment));
}

Status PluginHost::probe(const std::vector<Candidate>& candidates, const std::vector<size_t>& order,
                         const std::vector<std::string>& copies, const std::vector<std::string>& libraries) const {
  if (options_.probe_program.empty() || order.empty()) return {};
  std::vector<ProbeTarget> targets = targets_;
  for (size_t i = 0; i < order.size(); ++i) targets.push_back({candidates[order[i]].spec.name, copies[i]});
  return probe_plugins(targets, libraries, {options_.probe_program, options_.probe_deadline});
}

// In the order of needs, like what comes after.
Result<std::vector<PluginHost::Mapped>> PluginHost::map_all(const std::vector<Candidate>& candidates,
                                                            const std::vector<size_t>& order) {
  std::vector<std::string> copies, libraries = libraries_;
  for (const size_t at : order) {
    auto copy = options_.private_copies ? copy_plugin(candidates[at].file, options_.places.data_dir) : Result<std::string>(candidates[at].file.path);
    if (!copy) return named(candidates[at].spec.name, copy.error());
    copies.push_back(*std::move(copy));
    for (const std::string& library : candidates[at].file.own_libraries)
      if (std::find(libraries.begin(), libraries.end(), library) == libraries.end()) libraries.push_back(library);
  }
  ION_CHECK(probe(candidates, order, copies, libraries));
  for (const std::string& library : libraries) ION_CHECK(map_library(library));
  std::vector<Mapped> mapped;
  for (size_t i = 0; i < order.size(); ++i) {
    const Candidate& candidate = candidates[order[i]];
    const auto entry = map_plugin(copies[i]);
    if (!entry) return named(candidate.spec.name, entry.error());
    const auto plugin = ask_entry(*entry, candidate.file.notes);
    if (!plugin) return named(candidate.spec.name, plugin.error());
    mapped.push_back({*plugin});
    targets_.push_back({candidate.spec.name, copies[i]});
    mapped_[candidate.spec.name].insert(candidate.file.sha256);
  }
  libraries_ = std::move(libraries);
  return mapped;
}

std::shared_ptr<PluginInstance> PluginHost::make_instance(const Candidate& candidate, const Mapped& mapped, size_t place, uint32_t generation) const {
  const PluginFile& file = candidate.file;
  PluginInfo info{candidate.spec.name,
                  file.notes.id,
                  file.notes.version,
                  mapped.plugin->build != nullptr ? mapped.plugin->build : "",
                  file.path,
                  file.sha256,
                  fmt::format("{}.{}", file.notes.abi_major, file.notes.abi_minor),
                  file.notes.provides,
                  file.notes.needs,
                  ION_PLUGIN_LOADED,
                  0,
                  {},
                  file.remarks,
                  generation,
                  {}};
  shared_->world.logger().info("plugin loaded", {{"plugin", info.name},
                                               {"id", info.id},
                                               {"version", info.version},
                                               {"build", info.build},
                                               {"sha256", info.sha256},
                                               {"file", info.file}});
  for (const std::string& remark : info.remarks) shared_->world.logger().info("a plugin file is not as it should be", {{"plugin", info.name}, {"file", info.file}, {"what", remark}});
  const ShardId home{static_cast<uint32_t>(place) % std::max(1U, shared_->world.executor().shards())};
  return std::make_shared<PluginInstance>(
      shared_, PluginInstance::Parts{mapped.plugin, std::move(info), place, home, candidate.config, options_.step_deadline, options_.guard, options_.on_fault});
}

Status PluginHost::load(const std::vector<PluginSpec>& specs) {
  ION_ASSERT(instances().empty());
  if (const char* path = std::getenv("LD_LIBRARY_PATH"); path != nullptr && *path != '\0')
    shared_->world.logger().warn("LD_LIBRARY_PATH is set: libraries of plugins may come from there", {{"path", path}});
  ION_TRY(const std::vector<Candidate> candidates, examine(specs));
  ION_CHECK(check_required(candidates));
  ION_TRY(const std::vector<size_t> ordered, order(candidates));
  ION_TRY(const std::vector<Mapped> mapped, map_all(candidates, ordered));
  std::vector<std::shared_ptr<PluginInstance>> made;
  for (size_t i = 0; i < ordered.size(); ++i) made.push_back(make_instance(candidates[ordered[i]], mapped[i], ordered[i], 1));
  {
    const std::lock_guard lock(mutex_);
    instances_ = made;
  }
  for (size_t i = 0; i < ordered.size(); ++i) {
    const Candidate& c = candidates[ordered[i]];
    ION_CHECK(made[i]->create({c.spec.name, made[i]->home(), options_.places.data_dir + "/" + c.spec.name, c.file.notes.needs}));
  }
  return {};
}

Status PluginHost::start() {
  for (const auto& instance : instances()) {
    ION_CHECK(instance->start());
    instance->publish();
  }
  return {};
}

std::vector<std::shared_ptr<PluginInstance>> PluginHost::instances() const {
  const std::lock_guard lock(mutex_);
  return instances_;
}

std::shared_ptr<PluginInstance> PluginHost::current(std::string_view name) const {
  for (const auto& instance : instances())
    if (instance->name() == name) return instance;
  return nullptr;
}

bool PluginHost::leads_to(const std::string& name, const std::string& path, const std::string& file) const {
  const auto found = find_plugin(options_.places, name, path);
  return found && found->path == file;
}

bool PluginHost::close(Nanos limit) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  return shared_->world.await(lock, moved_, limit, [this] { return !replacing_; });
}

Status PluginHost::drain(Nanos limit) {
  const Instant end = shared_->world.clock().now() + limit;
  Status first;
  if (!close(limit)) first = Status(ION_E_DEADLINE, "a plugin is still being replaced");
  const auto all = instances();
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    const Status drained = (*at)->drain(end - shared_->world.clock().now());
    if (!drained.ok())
      shared_->world.logger().error("a plugin did not drain", {{"plugin", (*at)->name()}, {"why", drained.text()}});
    if (first.ok()) first = drained;
  }
  return first;
}

Status PluginHost::destroy(Nanos limit) {
  const Instant end = shared_->world.clock().now() + limit;
  (void)drain(limit);  // said in the log
  Status all;
  const auto there = instances();
  for (auto at = there.rbegin(); at != there.rend(); ++at) {
    const Status destroyed = (*at)->destroy(end - shared_->world.clock().now());
    if (!destroyed.ok())
      shared_->world.logger().error("a plugin was left in memory", {{"plugin", (*at)->name()}, {"why", destroyed.text()}});
    collect(all, destroyed);
  }
  return all;
}

Result<ion_ref> PluginHost::contract(std::string_view id) const { return shared_->contracts.find(id); }
std::vector<NamedRef> PluginHost::contracts(std::string_view id) const { return shared_->contracts.all(id); }

std::vector<PluginInfo> PluginHost::plugins() const {
  const auto there = instances();
  std::vector<PluginInfo> infos(there.size());
  for (const auto& instance : there) infos[instance->place()] = instance->info();
  return infos;
}

void PluginHost::report(std::string_view name, const Status& why) {
  if (const auto instance = current(name)) instance->report(why);
}

}  // namespace ion::host
