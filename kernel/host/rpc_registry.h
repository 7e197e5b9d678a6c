// Byte handlers of RPCs by full method name, and the descriptors that reflection shows. Behind ion.rpc/1: plugins add and
// describe, transports find and serve. The host removes a plugin's handlers when it drains; what find() gave out before stays
// readable, since a transport may just be about to use it. Bounds: kHandlersMax, kDescriptorBytesMax. Any thread.
#pragma once
#include <ion/abi/host/rpc.h>
#include <ion/ports.h>

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ion::host {

constexpr size_t kHandlersMax = 1024, kMethodBytesMax = 256;
constexpr size_t kDescriptorSetsMax = 256, kDescriptorBytesMax = 4 << 20;

class RpcRegistry {
 public:
  Status add(std::string_view plugin, const ion_rpc_handler& handler);  // EXISTS names whose it is
  Status describe(std::string_view plugin, std::string_view descriptor_set);
  Result<const ion_rpc_handler*> find(std::string_view method) const;
  std::vector<std::string> descriptors() const;
  void remove(std::string_view plugin);

 private:
  struct Entry {
    std::string plugin, method;
    ion_rpc_handler handler{};
  };
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
  std::vector<std::unique_ptr<Entry>> removed_;
  std::vector<std::pair<std::string, std::string>> descriptors_;  // plugin, set
};

// The service of one plugin instance to the registry: `self` of its ion.rpc/1. Words of a refusal do not cross: they are logged.
struct RpcService {
  RpcRegistry& registry;
  Logger& logger;
  std::string plugin;
};
extern const ion_rpc kExportRpc;

}  // namespace ion::host
