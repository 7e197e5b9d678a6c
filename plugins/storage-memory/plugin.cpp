// The plugin ion.storage-memory: descriptor and factory.
#include "io/memory_storage.h"
#include "storage_memory_config.h"

#include <ion/bridge/host_bridge.h>
#include <ion/bridge/services_bridge.h>
#include <ion/bridge/storage_bridge.h>
#include <ion/plugin.h>

namespace ion::storage_memory {

class StorageMemoryPlugin {
 public:
  using Config = StorageMemoryConfig;
  static constexpr uint32_t kStorageCaps = MemoryStorage::kCaps;

  static Result<std::unique_ptr<StorageMemoryPlugin>> create(Host host, const StorageMemoryConfig& config) {
    ION_TRY(const ion_ref random, host.get(ION_RANDOM_ID));
    ImportedRandom numbers(random);
    const uint64_t hi = numbers.u64(), lo = numbers.u64();  // a new identity each time: what was in memory is gone
    return std::make_unique<StorageMemoryPlugin>(host, config, Uuid::random(hi, lo));
  }
  StorageMemoryPlugin(Host host, const StorageMemoryConfig& config, const Uuid& identity) : clock_(host.raw()), storage_(clock_, config, identity) {}

  Status start() { return {}; }
  Answer drain(Op& op) { return op.ok(); }  // nothing is ever pending; leases are memory of their own
  const void* table(std::string_view contract) const {
    return contract == ION_STORAGE_ID ? &export_storage<StorageMemoryPlugin> : nullptr;
  }
  Storage& storage() { return storage_; }

 private:
  ImportedClock clock_;
  MemoryStorage storage_;
};

}  // namespace ion::storage_memory

ION_PLUGIN(ion::storage_memory::StorageMemoryPlugin, "ion.storage-memory", "0.1.0", "ion.storage/1", "ion.random/1")
