// One plugin of the configuration, from create to destroy:
//
//   loaded --create--> created --start--> started --drain--> draining --completed--> drained --destroy--> (gone)
//      any step that fails or is late, or the plugin's own call of fault: faulted --destroy--> (gone)
//
// A step that is late may come back at any time, also after drain and destroy of all others; until then nothing of the instance
// is freed. Steps are called by one thread (PluginHost); questions and fault come from any.
#pragma once
#include "host/host_services.h"
#include "host/misbehaviour.h"
#include "host/plugin_metrics.h"

#include <ion/abi/host/broker_api_plugins.h>
#include <ion/abi/plugin.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ion::host {

struct PluginInfo {
  std::string name, id, version, build, file, sha256, abi;  // abi: MAJOR.MINOR that it was built for
  std::vector<std::string> provides, needs;
  ion_plugin_state state = ION_PLUGIN_LOADED;
  uint64_t faults = 0;
  std::string last_error;
  std::vector<std::string> remarks;   // what is wrong with its file although it was loaded
  uint32_t generation = 1;            // one more with each replacement
  HostServices::Leases leases = {};   // buffers of ion.buffers/1 that it was given and somebody holds still
};

class PluginInstance : public std::enable_shared_from_this<PluginInstance> {
 public:
  struct Parts {
    const ion_plugin* plugin = nullptr;
    PluginInfo info;
    size_t place = 0;  // in the configuration
    ShardId home;
    std::string config;
    Nanos step_deadline;
    bool guard = false;  // check how it uses the host, and how its contracts are kept
    std::function<void(const std::string& name, const Status& why)> on_fault;  // may be empty; any thread
  };
  explicit PluginInstance(std::shared_ptr<HostShared> shared, Parts parts);

  // Messages begin with "plugin NAME: ".
  Status create(HostServices::Who who);
  Status start();
  // What it provides, once started; the same until it is destroyed.
  const std::vector<std::pair<std::string, ion_ref>>& contracts() const { return contracts_; }
  // Others find its contracts from now on, unless it has given up.
  void publish();
  // The same, and the contracts of `old` are withdrawn in the same moment.
  void take_over(PluginInstance& old);
  // The plugin's own schema, and whether it can take another configuration while it serves.
  std::string_view schema() const { return parts_.plugin->config_schema == nullptr ? std::string_view() : parts_.plugin->config_schema; }
  bool reconfigures() const { return parts_.plugin->reconfigure != nullptr; }
  // Goes on with `config`, or as before: a plugin that refuses it is no faulted one. DEADLINE faults it. CLOSED unless it was started.
  Status reconfigure(std::string config);
  // Withdraws contracts and RPC handlers, then drains. Nothing to do unless it was started.
  // `limit` and the step deadline bound the whole of it.
  Status drain(Nanos limit);
  // Frees what create made. FAILED: a step is still out or work still runs, so the instance must be left in memory.
  Status destroy(Nanos limit);
  bool destroyed() const;  // nothing of it is left: this object may be freed once executor and timers are stopped

  const std::string& name() const { return parts_.info.name; }
  size_t place() const { return parts_.place; }
  ShardId home() const { return parts_.home; }
  PluginInfo info() const;
  void report(const Status& why) { misbehaviour_.count(why); }
  void record_leases();  // into the metrics
  void fault(const Status& why);  // counts, withdraws, tells the kernel

 private:
  enum class Verb { kCreate, kStart, kReconfigure, kDrain, kDestroy };
  static void drain_done(void* self, const ion_result* result) noexcept;
  Status run(Verb verb, std::function<ion_status(ion_err*)> call, Nanos limit);
  Nanos shortened(Nanos limit) const;  // to the step deadline; not below 0
  Status failed(Verb verb, const Status& why);
  Status named(Verb verb, const Status& why) const;
  ion_status ask_drain(ion_err* err, Instant deadline);
  Status wait_for_drain(Nanos left);
  ion_status collect_tables(std::vector<ion_ref>& refs, ion_err* err) const;
  void broke_a_rule(const Status& why);  // as the guard saw it
  std::string outstanding() const;
  HostServices::Leases leases() const;
  void withdraw();
  void set(ion_plugin_state state);

  const std::shared_ptr<HostShared> shared_;
  const Parts parts_;
  Misbehaviour misbehaviour_;
  std::unique_ptr<check::ContractGuard> guard_;  // null: none was wanted
  std::atomic<uint64_t> rules_broken_{0};
  PluginMetrics metrics_;
  std::unique_ptr<HostServices> services_;  // from create on; never taken away
  std::vector<std::pair<std::string, ion_ref>> contracts_;

  mutable std::mutex mutex_;
  std::condition_variable moved_;
  ion_plugin_state state_ = ION_PLUGIN_LOADED;
  bool created_ = false;
  bool step_out_ = false;   // a step runs, perhaps beyond its deadline
  bool drain_out_ = false;  // drain was asked and has not completed
  Status drained_;
  void* self_ = nullptr;
};

}  // namespace ion::host
