// The plugin ion.storage-mmap: descriptor and factory.
#include "io/mmap_storage.h"
#include "storage_mmap_config.h"
#include "storage_mmap_metrics.h"

#include <ion/bridge/host_bridge.h>
#include <ion/bridge/imported_files.h>
#include <ion/bridge/services_bridge.h>
#include <ion/bridge/storage_bridge.h>
#include <ion/plugin.h>

namespace ion::storage_mmap {

class StorageMmapPlugin {
 public:
  using Config = StorageMmapConfig;
  static constexpr uint32_t kStorageCaps = MmapStorage::kCaps;

  static Result<std::unique_ptr<StorageMmapPlugin>> create(Host host, const StorageMmapConfig& config) {
    ION_TRY(const ion_ref files, host.get(ION_FILES_ID));
    ION_TRY(const ion_ref executors, host.get(ION_EXECUTORS_ID));
    ION_TRY(const ion_ref timers, host.get(ION_TIMERS_ID));
    ION_TRY(const ion_ref random, host.get(ION_RANDOM_ID));
    const Result<ion_ref> metrics = host.get(ION_METRICS_ID);
    return std::make_unique<StorageMmapPlugin>(Services{host, files, executors, timers, random},
                                               metrics ? StorageMetrics(*metrics) : StorageMetrics(), config);
  }
  struct Services {
    Host host;
    ion_ref files, executors, timers, random;
  };
  StorageMmapPlugin(const Services& services, StorageMetrics metrics, const StorageMmapConfig& config)
      : files_(services.files), executor_(services.executors), timers_(services.timers), clock_(services.host.raw()), random_(services.random),
        logger_(services.host.raw()), storage_({files_, executor_, timers_, clock_, random_, logger_}, config, std::move(metrics)) {}

  Status start() { return storage_.start(); }
  Answer drain(Op& op) { return storage_.drain(op); }
  const void* table(std::string_view contract) const {
    return contract == ION_STORAGE_ID ? &export_storage<StorageMmapPlugin> : nullptr;
  }
  Storage& storage() { return storage_; }

 private:
  ImportedFiles files_;
  ImportedExecutor executor_;
  ImportedTimers timers_;
  ImportedClock clock_;
  ImportedRandom random_;
  ImportedLogger logger_;
  MmapStorage storage_;
};

}  // namespace ion::storage_mmap

ION_PLUGIN(ion::storage_mmap::StorageMmapPlugin, "ion.storage-mmap", "0.1.0", "ion.storage/1",
           "ion.files/1,ion.executors/1,ion.timers/1,ion.random/1,ion.metrics/1?")
