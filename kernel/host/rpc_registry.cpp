#include "host/rpc_registry.h"

#include <ion/bridge/crossing.h>

#include <fmt/core.h>

#include <mutex>

namespace ion::host {
namespace {

RpcService& service(void* self) noexcept { return *static_cast<RpcService*>(self); }

ion_status tell(void* self, const Status& status) {
  if (!status.ok()) service(self).logger.error("an RPC was not registered", {{"why", status.text()}});
  return status.code();
}
ion_status rpc_add(void* self, const ion_rpc_handler* handler) noexcept {
  return bridge::cross(nullptr, [&] { return tell(self, service(self).registry.add(service(self).plugin, *handler)); });
}
ion_status rpc_describe(void* self, ion_bytes set) noexcept {
  return bridge::cross(nullptr, [&] { return tell(self, service(self).registry.describe(service(self).plugin, text_of(set))); });
}
ion_status rpc_find(void* self, ion_bytes method, const ion_rpc_handler** out) noexcept {
  return bridge::cross(nullptr, [&]() -> ion_status {
    const auto found = service(self).registry.find(text_of(method));
    if (!found) return found.error().code();
    *out = *found;
    return ION_OK;
  });
}
ion_status rpc_descriptors(void* self, ion_name_fn each, void* ctx) noexcept {
  return bridge::cross(nullptr, [&] {
    for (const std::string& set : service(self).registry.descriptors()) each(ctx, bytes_of(set), set.size());
    return ION_OK;
  });
}

}  // namespace

constexpr ion_rpc kExportRpc{sizeof(ion_rpc), 0, &rpc_add, &rpc_describe, &rpc_find, &rpc_descriptors};

Status RpcRegistry::add(std::string_view plugin, const ion_rpc_handler& given) {
  const ion_rpc_handler handler = bridge::take(&given);
  const std::string_view method = text_of(handler.method);
  if (handler.accept == nullptr || method.size() < 4 || method.size() > kMethodBytesMax || method[0] != '/' ||
      method.find('/', 1) == std::string_view::npos)
    return {ION_E_INVALID,
            fmt::format("wanted a handler for \"/package.Service/Method\", have \"{}\"", method.substr(0, kMethodBytesMax))};
  const std::unique_lock lock(mutex_);
  if (const auto at = entries_.find(method); at != entries_.end())
    return {ION_E_EXISTS, fmt::format("plugin {} serves {} already", at->second->plugin, method)};
  if (entries_.size() == kHandlersMax)
    return {ION_E_OVERLOADED, fmt::format("there are {} RPC handlers, which is the most", kHandlersMax)};
  auto entry = std::make_unique<Entry>(Entry{std::string(plugin), std::string(method), handler});
  entry->handler.method = bytes_of(entry->method);
  std::string key = entry->method;
  entries_.emplace(std::move(key), std::move(entry));
  return {};
}

Status RpcRegistry::describe(std::string_view plugin, std::string_view set) {
  if (set.empty() || set.size() > kDescriptorBytesMax)
    return {ION_E_INVALID,
            fmt::format("wanted a file descriptor set of 1 to {} bytes, have {}", kDescriptorBytesMax, set.size())};
  const std::unique_lock lock(mutex_);
  if (descriptors_.size() == kDescriptorSetsMax)
    return {ION_E_OVERLOADED, fmt::format("there are {} descriptor sets, which is the most", kDescriptorSetsMax)};
  descriptors_.emplace_back(plugin, set);
  return {};
}

Result<const ion_rpc_handler*> RpcRegistry::find(std::string_view method) const {
  const std::shared_lock lock(mutex_);
  const auto at = entries_.find(method);
  if (at == entries_.end()) return Status(ION_E_NOT_FOUND, fmt::format("no plugin serves {}", method.substr(0, kMethodBytesMax)));
  return &at->second->handler;
}

std::vector<std::string> RpcRegistry::descriptors() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> sets;
  for (const auto& [plugin, set] : descriptors_) sets.push_back(set);
  return sets;
}

void RpcRegistry::remove(std::string_view plugin) {
  const std::unique_lock lock(mutex_);
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (at->second->plugin != plugin) {
      ++at;
      continue;
    }
    removed_.push_back(std::move(at->second));
    at = entries_.erase(at);
  }
  std::erase_if(descriptors_, [&](const auto& d) { return d.first == plugin; });
}

}  // namespace ion::host
