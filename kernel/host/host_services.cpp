#include "host/host_services.h"

#include "base/thread_place.h"
#include "host/plugin_manifest.h"

#include <ion/bridge/files_bridge.h>
#include <ion/bridge/host_bridge.h>
#include <ion/bridge/services_bridge.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace ion::host {
namespace {

constexpr std::array kOwnServices = {ION_FILES_ID,   ION_EXECUTORS_ID, ION_TIMERS_ID, ION_RANDOM_ID,
                                     ION_BUFFERS_ID, ION_RPC_ID,       ION_CONFIG_ID, ION_THREADS_ID};

ion_status allocate(void* self, uint64_t n, ion_buf* out, uint8_t** write_to) noexcept {
  return bridge::cross(nullptr, [&]() -> ion_status {
    Result<Buf> buf = static_cast<base::CountedBuffers*>(self)->allocate(n, write_to);
    if (!buf) return buf.error().code();
    *out = buf->release();
    return ION_OK;
  });
}
constexpr ion_buffers kExportBuffers{sizeof(ion_buffers), 0, &allocate};

uint32_t word(void*) noexcept { return base::current_place().word; }
uint32_t shard(void*) noexcept { return base::current_place().shard; }
constexpr ion_threads kExportThreads{sizeof(ion_threads), 0, &word, &shard};

}  // namespace

std::vector<std::string> service_ids(const HostEnvironment& environment) {
  std::vector<std::string> ids(kOwnServices.begin(), kOwnServices.end());
  if (environment.events != nullptr) ids.emplace_back(ION_EVENTS_ID);
  if (environment.metrics != nullptr) ids.emplace_back(ION_METRICS_ID);
  for (const GivenService& given : environment.services) ids.push_back(given.id);
  return ids;
}

HostServices::HostServices(std::shared_ptr<HostShared> shared, Who who, OnFault on_fault, OnFault on_misuse)
    : shared_(std::move(shared)), who_(std::move(who)), on_fault_(std::move(on_fault)), on_misuse_(std::move(on_misuse)),
      logger_(shared_->world.logger_for("plugin/" + who_.name)), work_(shared_->world.executor(), shared_->world.timers()),
      buffers_(shared_->environment.buffer_bytes_max, shared_->world.clock()), executors_(export_executors(work_, who_.home)),
      node_{sizeof(ion_node),
            0,
            shared_->environment.node.node.v,
            bytes_of(shared_->environment.node.rack),
            bytes_of(shared_->environment.node.cluster),
            bytes_of(shared_->environment.node.version)},
      rpc_{shared_->rpcs, *logger_, who_.name}, metrics_{shared_->environment.metrics, *shared_},
      events_(shared_->environment.events, who_.name), host_(export_host(*this)) {}

Result<std::unique_ptr<HostServices>> HostServices::make(std::shared_ptr<HostShared> shared, Who who, OnFault on_fault, OnFault on_misuse) {
  std::unique_ptr<HostServices> made(new HostServices(std::move(shared), std::move(who), std::move(on_fault), std::move(on_misuse)));
  ION_CHECK(made->fill());
  return made;
}

Status HostServices::fill() {
  World& world = shared_->world;
  const HostEnvironment& given_here = shared_->environment;
  if (declared(ION_FILES_ID)) {
    ION_TRY(files_, world.files_for(who_.directory));
    services_[ION_FILES_ID] = {&export_files, files_.get()};
  }
  if (declared(ION_RANDOM_ID)) {
    random_ = world.random_for(who_.name);
    services_[ION_RANDOM_ID] = {&export_random, random_.get()};
  }
  services_[ION_EXECUTORS_ID] = {&executors_, static_cast<Executor*>(&work_)};
  services_[ION_TIMERS_ID] = {&export_timers, static_cast<Timers*>(&work_)};
  services_[ION_BUFFERS_ID] = {&kExportBuffers, &buffers_};
  services_[ION_RPC_ID] = {&kExportRpc, &rpc_};
  services_[ION_CONFIG_ID] = {&export_config, &node_};
  services_[ION_THREADS_ID] = {&kExportThreads, nullptr};
  if (given_here.events != nullptr) services_[ION_EVENTS_ID] = {&kExportEvents, &events_};
  if (given_here.metrics != nullptr) services_[ION_METRICS_ID] = {&kExportMetrics, &metrics_};
  for (const GivenService& given : given_here.services) {
    if (!declared(given.id)) continue;
    ION_TRY(services_[given.id], given.give(who_.name));
  }
  if (who_.guard != nullptr)
    for (auto& [id, ref] : services_) ref = who_.guard->wrap(id, ref);
  return {};
}

bool HostServices::declared(std::string_view id) const {
  return std::any_of(who_.needs.begin(), who_.needs.end(), [&](const std::string& need) { return without_mark(need) == id; });
}

Result<ion_ref> HostServices::find(std::string_view id, std::string_view instance) {
  if (!declared(id)) return Status(ION_E_FORBIDDEN, fmt::format("it did not declare {} in its needs", id));
  if (const auto at = services_.find(id); at != services_.end()) return at->second;
  if (!contracts_open_.load())
    return Status(ION_E_CLOSED, fmt::format("{} is a contract of another plugin: wanted `get` in start or later", id));
  return shared_->contracts.find(id, instance);
}

// Answered all the same: what is found does not change. The plugin waits for nothing here, but the next thing that it does there may.
void HostServices::check_word(std::string_view id) {
  const base::ThreadPlace here = base::current_place();
  if (here.word == ION_WORD_CONTROL || (here.word == ION_WORD_FOREIGN && here.plugin == nullptr)) return;
  const char* const words[] = {"a thread that is not the host's", "a shard", "the control thread", "the blocking pool"};
  const Status why(ION_E_INVALID, fmt::format("it called `get` for {} on {}: wanted the control thread, which runs create and start", id,
                                              here.word < std::size(words) ? words[here.word] : "another thread"));
  if (on_misuse_) on_misuse_(why);
  logger_->warn("a plugin called the host on a wrong thread", {{"plugin", who_.name}, {"why", why.message()}});
}

Result<ion_ref> HostServices::get(std::string_view id, std::string_view instance) {
  check_word(id);
  Result<ion_ref> found = find(id, instance);
  const bool may_be_absent = std::find(who_.needs.begin(), who_.needs.end(), std::string(id) + "?") != who_.needs.end();
  if (!found && !(may_be_absent && found.error().code() == ION_E_NOT_FOUND))
    shared_->world.logger().warn("a plugin asked in vain",
                               {{"plugin", who_.name}, {"id", std::string(id)}, {"why", found.error().text()}});
  return found;
}

std::string HostServices::outstanding() const {
  std::string text = work_.outstanding();
  if (buffers_.buffers() != 0)
    text += fmt::format("{}{} buffer{} of {} bytes, the oldest for {:g} s", text.empty() ? "" : ", ", buffers_.buffers(), buffers_.buffers() == 1 ? "" : "s", buffers_.bytes(),
                        buffers_.oldest().value_or(Nanos{}).seconds());
  return text;
}

}  // namespace ion::host
