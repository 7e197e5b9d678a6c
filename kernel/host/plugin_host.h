// The public header of the host module, for kernel.cpp: from the plugins of the configuration to running contracts, and back.
//
//   load         find, check, hash, read notes, check configuration · order by needs · copy · map all in a child · map here · create
//   start        in the order of needs; contracts can be used afterwards
//   reconfigure  a plugin that can takes another configuration
//   replace      another generation of an interceptor or router takes over while all serve
//   drain        in the reverse order: contracts are withdrawn, then the plugin finishes what it began
//   destroy      in the reverse order; what hangs is left in memory
//
// No code of any plugin runs before all notes and configurations were found good, and none in this process before a child has
// mapped the whole set. Every message names the plugin, what was wanted and what was there.
// Thread: control; replace() and reconfigure() from one that may wait; contract(), contracts(), plugins() and report() from any, once load() has returned.
#pragma once
#include "host/contract_registry.h"
#include "host/host_environment.h"
#include "host/plugin_file.h"
#include "host/plugin_instance.h"
#include "host/plugin_probe.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
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
  bool guard = false;            // checks in front of every table (ion/check/contract_guard.h)
  uint32_t generations_max = 8;  // files of one plugin that may be mapped: code is never unloaded
};

// How those who call a plugin go over to its next generation. None may be empty.
struct Succession {
  std::function<Status(std::string_view contract, ion_ref next)> accepts;  // before anything goes to it; a failure ends the replacement
  std::function<void(std::string_view contract, ion_ref next, const PluginInfo& info)> swap;  // from here on calls go to `next`
  std::function<bool(Nanos limit)> departed;  // no call is in the old one or will be; false: `limit` passed first
};
struct Replaced {
  std::string version, old_version, file;
  uint32_t generation = 0;
  bool old_stays = false;  // the old one did not end in time, and stays in memory
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

  // Finds, checks, maps, creates and starts what `spec` says, then lets it take the place of the plugin of that name, which is drained and
  // destroyed. A failure before the exchange leaves the old one as it was. For plugins that provide interceptors and routers alone:
  // UNSUPPORTED otherwise. One at a time: CONFLICT; CLOSED once drain() has begun. From a thread that may wait.
  Result<Replaced> replace(const PluginSpec& spec, const Succession& succession);
  // What another configuration may do to a plugin that serves. The schema lives as long as the host. NOT_FOUND.
  struct Reloading {
    std::string_view schema;
    std::string file;           // that its code came from
    bool reconfigures = false;  // it takes another configuration
    bool replaceable = false;   // another generation of it may take over
  };
  Result<Reloading> reloading(const std::string& name) const;
  // `config` is checked JSON. A plugin that refuses it goes on as before, and its words are the answer. UNSUPPORTED: it takes none while it
  // serves; CONFLICT while a plugin is replaced; CLOSED. From a thread that may wait.
  Status reconfigure(const std::string& name, std::string config);
  // Whether a plugin of that name with that `path` would be loaded from `file`.
  bool leads_to(const std::string& name, const std::string& path, const std::string& file) const;

  Result<ion_ref> contract(std::string_view id) const;         // the only provider
  std::vector<NamedRef> contracts(std::string_view id) const;  // in the order of the configuration
  std::vector<PluginInfo> plugins() const;                     // in the order of the configuration
  // What a bridge of the kernel heard from a plugin's contract: counted, shown by plugins().
  void report(std::string_view name, const Status& why);

 private:
  // A plugin whose file, notes and configuration are good. Nothing of it has run.
  struct Candidate {
    PluginSpec spec;
    PluginFile file;
    std::string config;  // for create
  };
  struct Mapped {
    const ion_plugin* plugin = nullptr;
  };
  Result<std::vector<Candidate>> examine(const std::vector<PluginSpec>& specs) const;
  Status check_required(const std::vector<Candidate>& candidates) const;
  Result<std::vector<size_t>> order(const std::vector<Candidate>& candidates) const;
  Result<std::vector<Mapped>> map_all(const std::vector<Candidate>& candidates, const std::vector<size_t>& order);
  Status probe(const std::vector<Candidate>& candidates, const std::vector<size_t>& order, const std::vector<std::string>& copies,
               const std::vector<std::string>& libraries) const;
  std::shared_ptr<PluginInstance> make_instance(const Candidate& candidate, const Mapped& mapped, size_t place, uint32_t generation) const;
  std::vector<std::shared_ptr<PluginInstance>> instances() const;
  std::shared_ptr<PluginInstance> current(std::string_view name) const;  // null: there is none
  bool close(Nanos limit);                                               // no replacement begins any more, and none goes on

  Status begin_replacement();
  void end_replacement();
  Result<Replaced> replace_one(const PluginSpec& spec, const Succession& succession);
  Status check_order(const Candidate& candidate) const;
  Result<std::shared_ptr<PluginInstance>> bring_up(const Candidate& candidate, const PluginInstance& old);
  void give_up(const std::shared_ptr<PluginInstance>& next);
  void exchange(const std::shared_ptr<PluginInstance>& old, const std::shared_ptr<PluginInstance>& next, const Succession& succession);
  bool retire(const std::shared_ptr<PluginInstance>& old, const Succession& succession);

  const PluginHostOptions options_;
  const std::shared_ptr<HostShared> shared_;
  // What is mapped, for the next probe, and by name the hashes of its files. By load(), then by replace().
  std::vector<ProbeTarget> targets_;
  std::vector<std::string> libraries_;
  std::map<std::string, std::set<std::string>> mapped_;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable moved_;
  bool replacing_ = false, closed_ = false;
  std::vector<std::shared_ptr<PluginInstance>> instances_;  // in the order of needs
  std::vector<std::shared_ptr<PluginInstance>> retired_;    // replaced, or never in use, and not ended
  std::vector<std::shared_ptr<PluginInstance>> ended_;      // replaced: what they posted may still be in a queue, and does nothing
};

}  // namespace ion::host
