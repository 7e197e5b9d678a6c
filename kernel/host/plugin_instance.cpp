#include "host/plugin_instance.h"

#include "base/thread_place.h"

#include <fmt/core.h>

#include <algorithm>

namespace ion::host {
namespace {

// How long destroy waits for a step that is late already: it may be just coming back.
constexpr Nanos kGrace = seconds(2);

}  // namespace

PluginInstance::PluginInstance(std::shared_ptr<HostShared> shared, Parts parts)
    : shared_(std::move(shared)), parts_(std::move(parts)) {
  if (!parts_.guard) return;
  guard_ = std::make_unique<check::ContractGuard>(check::GuardHooks{[this](const Status& why) { broke_a_rule(why); }, [&clock = shared_->world.clock()] { return clock.now(); },
                                                                    []() noexcept -> uint32_t { return base::current_place().word; }});
}

Status PluginInstance::create(HostServices::Who who) {
  who.guard = guard_.get();
  auto services = HostServices::make(shared_, std::move(who), [this](const Status& why) { fault(why); }, [this](const Status& why) { report(why); });
  if (!services) return failed(Verb::kCreate, services.error());
  services_ = *std::move(services);
  if (shared_->environment.metrics != nullptr) {
    ION_TRY(metrics_, PluginMetrics::declare(*shared_->environment.metrics, name()));
  }
  return run(Verb::kCreate, [this](ion_err* err) {
    void* self = nullptr;
    const ion_status code = parts_.plugin->create(&services_->table(), bytes_of(parts_.config), &self, err);
    const std::lock_guard lock(mutex_);
    if (code != ION_OK) return code;
    self_ = self, created_ = true;
    if (state_ == ION_PLUGIN_LOADED) state_ = ION_PLUGIN_CREATED;
    return code;
  }, parts_.step_deadline);
}

Status PluginInstance::start() {
  services_->allow_contracts();
  const auto refs = std::make_shared<std::vector<ion_ref>>();
  ION_CHECK(run(Verb::kStart, [this, refs](ion_err* err) {
    const ion_status code = parts_.plugin->start(self_, err);
    return code == ION_OK ? collect_tables(*refs, err) : code;
  }, parts_.step_deadline));
  std::unique_lock lock(mutex_);  // fault() sets the state first and withdraws then
  if (state_ != ION_PLUGIN_CREATED) {
    lock.unlock();
    return failed(Verb::kStart, Status(ION_E_FAILED, "it gave up: " + misbehaviour_.record().last_error));
  }
  for (size_t i = 0; i < refs->size(); ++i) contracts_.emplace_back(parts_.info.provides[i], (*refs)[i]);
  state_ = ION_PLUGIN_STARTED;
  return {};
}

void PluginInstance::publish() {
  const std::lock_guard lock(mutex_);
  if (state_ == ION_PLUGIN_STARTED) shared_->contracts.add(name(), parts_.place, contracts_, this);
}

void PluginInstance::take_over(PluginInstance& old) {
  const std::lock_guard lock(mutex_);
  if (state_ == ION_PLUGIN_STARTED) shared_->contracts.add(name(), parts_.place, contracts_, this, &old);
}

ion_status PluginInstance::collect_tables(std::vector<ion_ref>& refs, ion_err* err) const {
  for (const std::string& contract : parts_.info.provides) {
    const void* table = parts_.plugin->table(self_, contract.c_str());
    if (table == nullptr)
      return Status(ION_E_INVALID, fmt::format("it says that it provides {}, and has no table for it", contract)).to(err);
    refs.push_back(guard_ != nullptr ? guard_->wrap(contract, {table, self_}) : ion_ref{table, self_});
  }
  return ION_OK;
}

Status PluginInstance::reconfigure(std::string config) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != ION_PLUGIN_STARTED) return {ION_E_CLOSED, fmt::format("plugin {}: it does not serve", name())};
  }
  const Status done = run(Verb::kReconfigure, [this, config = std::move(config)](ion_err* err) {
    return parts_.plugin->reconfigure(self_, bytes_of(config), err);
  }, parts_.step_deadline);
  if (done.code() == ION_E_DEADLINE && info().state == ION_PLUGIN_FAULTED) withdraw();
  return done;
}

Status PluginInstance::drain(Nanos allowed) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != ION_PLUGIN_STARTED) return {};
    state_ = ION_PLUGIN_DRAINING, drain_out_ = true;
  }
  withdraw();
  Clock& clock = shared_->world.clock();
  const Nanos limit = shortened(allowed);
  const Instant begun = clock.now();
  ION_CHECK(run(Verb::kDrain,
                [this, limit, begun](ion_err* err) { return ask_drain(err, begun + limit); }, limit));
  const Nanos left{std::max<int64_t>(0, limit.n - (clock.now() - begun).n)};
  ION_CHECK(wait_for_drain(left));
  set(ION_PLUGIN_DRAINED);
  const std::string behind = outstanding();
  if (guard_ != nullptr) guard_->drained();
  if (!behind.empty()) {
    misbehaviour_.count(Status(ION_E_INTERNAL, "drained with work left behind: " + behind));
    shared_->world.logger().warn("a plugin was drained and left work behind", {{"plugin", name()}, {"what", behind}});
  }
  return {};
}

ion_status PluginInstance::ask_drain(ion_err* err, Instant deadline) {
  const ion_op op{sizeof(ion_op), 0, 0, deadline.ns, &drain_done, this, 0, 0, 0};
  ion_result now{sizeof(ion_result), ION_OK, 0, 0, 0, 0, nullptr, err};
  services_->events().close();  // in the step, which has a limit: a function of the plugin may be running
  const ion_status code = parts_.plugin->drain(self_, &op, &now);
  if (code == ION_PENDING) return ION_OK;
  const std::lock_guard lock(mutex_);
  drain_out_ = false;
  return code;
}

void PluginInstance::drain_done(void* self, const ion_result* result) noexcept {
  auto& instance = *static_cast<PluginInstance*>(self);
  const std::lock_guard lock(instance.mutex_);
  if (!instance.drain_out_) {
    instance.misbehaviour_.count(Status(ION_E_INTERNAL, "drain was completed twice"));
    return;
  }
  instance.drain_out_ = false;
  instance.drained_ = Status::from(result->status, result->err);
  instance.moved_.notify_all();
}

Status PluginInstance::wait_for_drain(Nanos left) {
  std::unique_lock lock(mutex_);
  const bool completed = shared_->world.await(lock, moved_, left, [&] { return !drain_out_; });
  const Status drained = drained_;
  lock.unlock();
  if (!completed) {
    const std::string behind = outstanding();
    return failed(Verb::kDrain, Status(ION_E_DEADLINE, fmt::format("it did not complete in time; the host holds for it: {}",
                                                                   behind.empty() ? "nothing" : behind)));
  }
  return drained.ok() ? Status() : failed(Verb::kDrain, drained);
}

Status PluginInstance::destroy(Nanos allowed) {
  const Instant end = shared_->world.clock().now() + shortened(allowed);
  const auto left = [&] { return shortened(end - shared_->world.clock().now()); };
  {
    std::unique_lock lock(mutex_);
    if (!shared_->world.await(lock, moved_, std::min(kGrace, left()), [&] { return !step_out_ && !drain_out_; }))
      return {ION_E_FAILED, fmt::format("plugin {}: left in memory, since its last step has not come back", name())};
    if (!created_) return {};
  }
  if (!services_->work().close(shared_->world, left()))
    return {ION_E_FAILED, fmt::format("plugin {}: left in memory, since work that it posted still runs", name())};
  ION_CHECK(run(Verb::kDestroy, [this](ion_err*) {
    services_->events().close();
    parts_.plugin->destroy(self_);
    return ION_OK;
  }, left()));
  const std::lock_guard lock(mutex_);
  created_ = false;
  return {};
}

Nanos PluginInstance::shortened(Nanos limit) const { return std::clamp(limit, Nanos{}, parts_.step_deadline); }

Status PluginInstance::run(Verb verb, std::function<ion_status(ion_err*)> call, Nanos limit) {
  struct Step {
    ion_err err{sizeof(ion_err), ION_OK, {}};
    ion_status code = ION_OK;
  };
  const auto step = std::make_shared<Step>();
  {
    const std::lock_guard lock(mutex_);
    step_out_ = true;
  }
  const bool back = shared_->world.run_step([instance = shared_from_this(), step, call = std::move(call)] {
    {
      base::ThreadPlace here = base::current_place();
      here.word = ION_WORD_CONTROL;
      here.plugin = instance->name().c_str();
      const base::PlaceScope inside(here);
      step->code = call(&step->err);
    }
    const std::lock_guard lock(instance->mutex_);
    instance->step_out_ = false;
    instance->moved_.notify_all();
  }, limit);
  if (!back)
    return failed(verb, Status(ION_E_DEADLINE, fmt::format("it did not come back within {:g} s", limit.seconds())));
  if (step->code > ION_OK) return failed(verb, Status(ION_E_INTERNAL, "it answered PENDING, which only an op may"));
  if (step->code == ION_OK) return {};
  const Status why = Status::from(step->code, &step->err);
  return verb == Verb::kReconfigure ? named(verb, why) : failed(verb, why);
}

Status PluginInstance::failed(Verb verb, const Status& why) {
  misbehaviour_.count(why);
  set(ION_PLUGIN_FAULTED);
  return named(verb, why);
}

Status PluginInstance::named(Verb verb, const Status& why) const {
  static constexpr const char* kVerbs[] = {"create", "start", "reconfigure", "drain", "destroy"};
  return {why.code(), fmt::format("plugin {}: {} failed: {}", name(), kVerbs[static_cast<size_t>(verb)], why.message()),
          why.reason()};
}

void PluginInstance::fault(const Status& why) {
  misbehaviour_.count(why);
  set(ION_PLUGIN_FAULTED);
  withdraw();
  shared_->world.logger().error("a plugin gave up", {{"plugin", name()}, {"why", why.text()}});
  if (parts_.on_fault) parts_.on_fault(name(), why);
}

// A flood of one fault must not fill the log.
void PluginInstance::broke_a_rule(const Status& why) {
  constexpr uint64_t kEachOf = 20, kThenOneIn = 1'000;
  misbehaviour_.count(why);
  const uint64_t n = rules_broken_.fetch_add(1) + 1;
  if (n > kEachOf && n % kThenOneIn != 0) return;
  shared_->world.logger().warn("a plugin broke a rule of its contract", {{"plugin", name()}, {"file", parts_.info.file}, {"why", why.message()}, {"so_far", std::to_string(n)}});
}

std::string PluginInstance::outstanding() const {
  std::string text = services_->outstanding();
  if (const std::string more = guard_ != nullptr ? guard_->outstanding() : std::string(); !more.empty()) text += (text.empty() ? "" : ", ") + more;
  return text;
}

HostServices::Leases PluginInstance::leases() const {
  HostServices::Leases all = services_->leases();
  if (guard_ == nullptr) return all;
  const check::GuardCounts counts = guard_->counts();
  all.buffers += counts.leases, all.bytes += counts.leased_bytes;
  if (counts.oldest_lease && (!all.oldest || *counts.oldest_lease > *all.oldest)) all.oldest = counts.oldest_lease;
  return all;
}

void PluginInstance::record_leases() {
  {
    const std::lock_guard lock(mutex_);
    if (!created_) return;
  }
  const HostServices::Leases now = leases();
  metrics_.leases(now.bytes, now.oldest.value_or(Nanos{}));
}

void PluginInstance::withdraw() {
  shared_->contracts.remove(this);
  shared_->rpcs.remove(name());
}

void PluginInstance::set(ion_plugin_state state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
}

bool PluginInstance::destroyed() const {
  const std::lock_guard lock(mutex_);
  return !created_ && !step_out_ && !drain_out_;
}

PluginInfo PluginInstance::info() const {
  PluginInfo info = parts_.info;
  const Record record = misbehaviour_.record();
  info.faults = record.faults;
  info.last_error = record.last_error;
  const std::lock_guard lock(mutex_);
  info.state = state_;
  if (created_) info.leases = leases();
  return info;
}

}  // namespace ion::host
