// The public header of the host module, for kernel.cpp: from the plugins of the configuration to running contracts, and back.
//
//   load     find, check, hash, read notes, check configuration · order by needs · copy · map all in a child · map here · create
//   start    in the order of needs; contracts can be used afterwards
//   drain    in the reverse order: contracts are withdrawn, then the plugin finishes what it began
//   destroy  in the reverse order; what hangs is left in memory
//
// No code of any plugin runs before all notes and configurations were found good, and none in this process before a child has
// mapped the whole set. Every message names the plugin, what was wanted and what was there.
// Thread: control; contract(), contracts(), plugins() and report() from any, once load() has returned.
#pragma once
#include "host/contract_registry.h"
#include "host/host_environment.h"
#include "host/plugin_file.h"
#include "host/plugin_instance.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::host {

constexpr size_t kPluginsMax = 64;
constexpr Nanos kNoLimit = seconds(1'000'000'000);

// One enabled entry of `plugins` in the configuration; the order of specs is the order there.
struct PluginSpec {
  std::string name;
  std::string path;  // empty: ionstream-plugin-<name>.so
  // Checks the plugin's section against the schema of its note and answers the JSON for `create`. Errors name the key's path.
  std::function<Result<std::string>(std::string_view schema)> check;
};

struct RequiredContract {
  std::string id;
  std::string without;  // what would be wrong: "nobody could reach this broker"
};

struct PluginHostOptions {
  PluginPlaces places;                           // also the data directory: instance directories are <data_dir>/<name>
  Nanos step_deadline = seconds(30);
  Nanos probe_deadline = seconds(30);            // of the whole set
  std::string probe_program = "/proc/self/exe";  // is called with --probe; empty: no probe (simulators and null brokers)
  bool allow_drafts = false;
  // Plugins are mapped from a copy of their own in the data directory, which nobody else writes. false: from where they lie, and
  // nothing is written (a check).
  bool private_copies = true;
  std::vector<RequiredContract> required;  // load refuses a set that does not provide them
  std::function<void(const std::string& name, const Status& why)> on_fault;  // any thread; may be empty
};

class PluginHost {
 public:
  PluginHost(HostEnvironment environment, PluginHostOptions options);
  ~PluginHost();  // leaves in memory what was not destroyed
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  Status load(const std::vector<PluginSpec>& specs);  // once; after a failure only destroy()
  Status start();                                     // stops at the first failure; then drain() and destroy()
  // Both stay within `limit` for all plugins together, and within the step deadline for each step.
  Status drain(Nanos limit = kNoLimit);    // goes on after a failure, answers the first
  Status destroy(Nanos limit = kNoLimit);  // drains what was not; FAILED: something was left in memory, leave by _exit

  Result<ion_ref> contract(std::string_view id) const;         // the only provider
  std::vector<NamedRef> contracts(std::string_view id) const;  // in the order of the configuration
  std::vector<PluginInfo> plugins() const;                     // in the order of the configuration
  // What a bridge of the kernel heard from a plugin's contract: counted, shown by plugins().
  void report(std::string_view name, const Status& why);

 private:
  struct Candidate;
  struct Mapped;
  Result<std::vector<Candidate>> examine(const std::vector<PluginSpec>& specs) const;
  Status check_required(const std::vector<Candidate>& candidates) const;
  Result<std::vector<size_t>> order(const std::vector<Candidate>& candidates) const;
  Result<std::vector<Mapped>> map_all(const std::vector<Candidate>& candidates, const std::vector<size_t>& order) const;
  Status probe(const std::vector<Candidate>& candidates, const std::vector<size_t>& order, const std::vector<std::string>& copies,
               const std::vector<std::string>& libraries) const;
  void add_instance(const Candidate& candidate, const Mapped& mapped, size_t place);

  const PluginHostOptions options_;
  const std::shared_ptr<HostShared> shared_;
  std::vector<std::shared_ptr<PluginInstance>> instances_;  // in the order of needs
  std::vector<size_t> places_;                              // of each in the configuration
};

}  // namespace ion::host
