#include "conform/plugin_instance.h"

#include "base/thread_place.h"
#include "config/config_snapshot.h"
#include "host/plugin_manifest.h"

#include <ion/bridge/broker_api_bridge.h>
#include <ion/abi/contract/consensus.h>

#include <malloc.h>

#include <filesystem>
#include <stdexcept>

namespace ion::conform {
namespace {

template <class T>
T or_throw(Result<T> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().text());
  return *std::move(result);
}
void or_throw(const Status& status, const std::string& what) {
  if (!status.ok()) throw std::runtime_error(what + ": " + status.text());
}

struct Answered {
  bool done = false;
  Status status;
  int answers = 0;
  static void hear(void* self, const ion_result* r) noexcept {
    auto* a = static_cast<Answered*>(self);
    a->done = true, ++a->answers, a->status = Status::from(r->status, r->err);
  }
};

}  // namespace

Request& request() {
  static Request one;
  return one;
}

const host::PluginFile& plugin_file() {
  static const host::PluginFile file = [] {
    const std::filesystem::path path = std::filesystem::absolute(request().file);
    host::PluginPlaces places;
    places.directories = {path.parent_path().string()};
    return or_throw(host::find_plugin(places, "tested", path.string()), request().file);
  }();
  return file;
}

ion_entry_fn plugin_entry() {
  static const ion_entry_fn entry = [] {
    for (const std::string& library : plugin_file().own_libraries) or_throw(host::map_library(library), library);
    return or_throw(host::map_plugin(plugin_file().path), "mapping it");
  }();
  return entry;
}

const ion_plugin& plugin() {
  or_throw(host::check_version(plugin_file().notes), "its notes");
  static const ion_plugin* const described = or_throw(host::ask_entry(plugin_entry(), plugin_file().notes), "its descriptor");
  return *described;
}

Result<std::string> checked_config(const std::string& config) {
  ION_TRY(const config::Node tree, config::parse_jsonc(config, {config::Layer::kFile, "--config", 0}, "config"));
  ION_TRY(const config::CheckedConfig checked, config::check_plugin_config(tree, "tested", plugin_file().notes.schema));
  return checked.json;
}

Ground::Ground(test::VirtualMachine& machine) : world_(time_, machine), metrics_(2) {
  host::HostEnvironment environment{world_, {NodeId{1}, "rack", "cluster", "conform"}, &metrics_, &events_, {}};
  environment.services.push_back({ION_BROKER_API_ID, [this](std::string_view) -> Result<ion_ref> { return ion_ref{&export_broker_api, static_cast<BrokerApi*>(&broker_)}; }});
  shared_ = std::make_shared<host::HostShared>(std::move(environment));
}

Instance::Instance(Ground& ground, std::string_view without) : ground_(ground) {
  host::HostServices::Who who{"tested", ShardId{1}, "data/tested", {}};
  for (const std::string& need : plugin_file().notes.needs)
    if (host::without_mark(need) != without) who.needs.push_back(need);
  const host::HostServices::OnFault bad = [this](const Status&) { faulted_ = true; };
  services_ = or_throw(host::HostServices::make(ground.shared(), std::move(who), bad, bad), "the host's services");
  services_->allow_contracts();
}

Instance::~Instance() {
  destroy();
  if (!services_->outstanding().empty()) (void)services_.release();  // what runs late must find it; this process ends soon
}

Status Instance::create(const std::string& config) {
  ION_TRY(const std::string checked, checked_config(config));
  const base::PlaceScope here({ION_WORD_CONTROL, base::kNoShard});
  ion_err err{sizeof(ion_err), ION_OK, {}};
  const ion_status code = plugin().create(&services_->table(), bytes_of(checked), &self_, &err);
  if (code == ION_OK && self_ == nullptr) return {ION_E_INTERNAL, "create answered OK and gave no instance"};
  return Status::from(code, &err);
}
Status Instance::start() {
  const base::PlaceScope here({ION_WORD_CONTROL, base::kNoShard});
  ion_err err{sizeof(ion_err), ION_OK, {}};
  return Status::from(plugin().start(self_, &err), &err);
}
Status Instance::drain() {
  auto answered = std::make_shared<Answered>();
  ion_err err{sizeof(ion_err), ION_OK, {}};
  ion_result now{sizeof(ion_result), ION_OK, 0, 0, 0, 0, nullptr, &err};
  const ion_op op{sizeof(ion_op), 0, 0, 0, &Answered::hear, answered.get(), 0, 0, 0};
  ion_status code;
  {
    const base::PlaceScope here({ION_WORD_CONTROL, base::kNoShard});
    code = plugin().drain(self_, &op, &now);
  }
  if (code != ION_PENDING) return answered->done ? Status(ION_E_INTERNAL, "drain answered twice") : Status::from(code, &err);
  if (!ground_.run_until([&] { return answered->done; })) {
    new std::shared_ptr<Answered>(answered);  // a late answer must find it
    return {ION_E_DEADLINE, "drain gave no answer in a minute"};
  }
  return answered->answers == 1 ? answered->status : Status(ION_E_INTERNAL, "drain answered twice");
}
void Instance::destroy() {
  if (self_ == nullptr) return;
  const base::PlaceScope here({ION_WORD_CONTROL, base::kNoShard});
  plugin().destroy(std::exchange(self_, nullptr));
}
void Instance::begin() {
  or_throw(create(), "create");
  or_throw(start(), "start");
}
void Instance::end() {
  or_throw(drain(), "drain");
  ground_.run();
  if (const std::string left = services_->outstanding(); !left.empty()) throw std::runtime_error("outstanding after drain: " + left);
  destroy();
}
const void* Instance::table(const char* id) { return plugin().table(self_, id); }
ion_ref Instance::contract(const char* id) {
  const void* found = table(id);
  if (found == nullptr) throw std::runtime_error(std::string("wanted a table of ") + id + ", have none");
  return {found, self_};
}

Held Held::now() {
  Held held;
  const auto count = [](const char* folder) {
    size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
    return n;
  };
  held.threads = count("/proc/self/task");
  held.descriptors = count("/proc/self/fd");
  held.bytes = ::mallinfo2().uordblks;
  return held;
}

}  // namespace ion::conform
