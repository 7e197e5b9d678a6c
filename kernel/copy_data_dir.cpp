#include "copy_data_dir.h"

#include "api/api_gate.h"
#include "data_dir.h"
#include "host/plugin_host.h"
#include "observe/kernel_events.h"
#include "observe/metric_registry.h"
#include "plugin_set.h"
#include "stop_order.h"

#include <ion/bridge/storage_bridge.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ion {
namespace {

constexpr Nanos kTellEvery = seconds(1);
constexpr Nanos kWaitsFor = seconds(3600);  // of one call: a slow disk may take long, one that hangs is no disk

// The storage of one configuration, without a broker.
struct Side {
  Side(World& world, const config::Loaded& from, const BrokerOptions& o)
      : loaded(from), options(o), metrics(world.cores()), snapshot(from.snapshot),
        host(plugin_environment(world, loaded.kernel, options, gate, metrics, events), storage_only(host_options(loaded.kernel, options))) {}

  const config::Loaded& loaded;
  const BrokerOptions& options;
  DataDir directory;
  observe::MetricRegistry metrics;
  observe::KernelEvents events;
  api::ApiGate gate;  // stays closed
  config::ConfigSnapshot snapshot;
  host::PluginHost host;
  std::unique_ptr<ImportedStorage> storage;

  const std::string& path() const { return loaded.kernel.node.data_dir; }

  static host::PluginHostOptions storage_only(host::PluginHostOptions o) {
    o.required = {{ION_STORAGE_ID, "there is nothing to copy"}};
    return o;
  }

  Status start() {
    const host::PluginPlaces places = host_options(loaded.kernel, options).places;
    std::vector<host::PluginSpec> specs;
    for (host::PluginSpec& spec : enabled_plugins(loaded.kernel, snapshot)) {
      const auto file = host::find_plugin(places, spec.name, spec.path);
      if (!file) return {file.error().code(), fmt::format("plugin {}: {}", spec.name, file.error().message())};
      const std::vector<std::string>& provides = file->notes.provides;
      if (std::find(provides.begin(), provides.end(), ION_STORAGE_ID) != provides.end()) specs.push_back(std::move(spec));
    }
    ION_CHECK(host.load(specs));
    ION_CHECK(host.start());
    ION_TRY(const ion_ref ref, host.contract(ION_STORAGE_ID));
    storage = std::make_unique<ImportedStorage>(ref);
    if ((storage->caps() & ION_STORAGE_VOLATILE) == 0) return {};
    return {ION_E_UNSUPPORTED, fmt::format("the storage plugin of {} keeps records in memory only: they end with the process, so there is nothing to copy from or to", path())};
  }
};

// On the control shard, as the contract wants it.
Outcome ask_and_wait(World& world, const std::function<Answer(Op&)>& start) {
  struct End {
    std::mutex mutex;
    std::condition_variable moved;
    std::optional<Outcome> outcome;
  };
  auto end = std::make_shared<End>();  // shared: an answer may come after the wait was given up
  const Status posted = post(world.executor(), world.control_shard(), [start, end] {
    call(start, [end](const ion_result& r) {
      Outcome outcome = Outcome::from(r);
      const std::lock_guard lock(end->mutex);
      end->outcome = std::move(outcome);
      end->moved.notify_all();
    });
  });
  if (!posted.ok()) return {posted, 0, 0, {}};
  std::unique_lock lock(end->mutex);
  if (world.await(lock, end->moved, kWaitsFor, [&] { return end->outcome.has_value(); })) return *std::move(end->outcome);
  return {Status(ION_E_DEADLINE, fmt::format("the storage did not answer within {:g} s", kWaitsFor.seconds())), 0, 0, {}};
}

// Tells how far it is, at most once a second.
class Teller {
 public:
  Teller(Clock& clock, std::string what, const std::function<void(const std::string&)>& say) : clock_(clock), what_(std::move(what)), say_(say), told_(clock.now()) {}
  void operator()(const CopyProgress& p) {
    const Instant now = clock_.now();
    if (now - told_ < kTellEvery && p.logs < p.logs_in_all) return;
    told_ = now;
    say_(fmt::format("{} {} of {} logs, {} batches, {:.1f} MiB", what_, p.logs, p.logs_in_all, p.batches, static_cast<double>(p.bytes) / (1 << 20)));
  }

 private:
  Clock& clock_;
  const std::string what_;
  const std::function<void(const std::string&)>& say_;
  Instant told_;
};

Result<CopyProgress> copy_between(Side& from, Side& to, World& world, const std::function<void(const std::string&)>& say) {
  ION_CHECK(from.start());
  ION_CHECK(to.start());
  StorageCopy copy{*from.storage, *to.storage, [&world](const std::function<Answer(Op&)>& start) { return ask_and_wait(world, start); },
                   Teller(world.clock(), "copied", say), Teller(world.clock(), "compared", say)};
  if (const Status unfinished = refuse_unfinished_copy(*to.directory.files, to.path()); unfinished.code() == ION_E_CONFLICT) {
    say(fmt::format("an unfinished copy in {} is removed, and begun anew", to.path()));
    ION_CHECK(copy.clear());
  } else {
    ION_CHECK(unfinished);
    ION_CHECK(copy.check_empty());
  }
  ION_CHECK(mark_unfinished_copy(*to.directory.files, from.path()));
  return copy.run();
}

}  // namespace

Result<CopyProgress> copy_data_dir(const config::Loaded& from, const config::Loaded& to, const BrokerOptions& options, World& world,
                                   const std::function<void(const std::string& line)>& say) {
  const std::string &source = from.kernel.node.data_dir, &target = to.kernel.node.data_dir;
  if (source.empty() || target.empty()) return Status(ION_E_INVALID, "wanted two configurations that say node.data_dir");
  if (source == target) return Status(ION_E_INVALID, fmt::format("both configurations have the data directory {}", source));
  auto a = std::make_unique<Side>(world, from, options), b = std::make_unique<Side>(world, to, options);
  ION_TRY(a->directory, DataDir::take(world, source, options.process));
  ION_CHECK(refuse_unfinished_copy(*a->directory.files, source));
  ION_TRY(b->directory, DataDir::take(world, target, options.process));
  StopOrder stop;
  for (Side* side : {a.get(), b.get()}) stop.push("plugins of " + side->path(), [side](Nanos left) { return side->host.destroy(left); });
  stop.push("work", [&world](Nanos left) { return world.stop_work(left); });
  for (Side* side : {a.get(), b.get()}) stop.push("work of plugins of " + side->path(), [side](Nanos left) { return side->host.drain(left); });
  Result<CopyProgress> copied = copy_between(*a, *b, world, say);
  const Status stopped = stop.run(world.logger(), world.clock(), kStopLimit);
  if (copied && stopped.ok()) {
    ION_CHECK(unmark_unfinished_copy(*b->directory.files));
    return copied;
  }
  if (!stopped.ok()) (void)a.release(), (void)b.release();  // something may still run in them
  if (copied) return stopped;
  return copied;
}

}  // namespace ion
