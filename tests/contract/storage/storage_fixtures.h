// The implementations that the suite runs against, each with all it stands on: in the process, and through both bridges as a
// plugin is reached. All on fakes, so that every run is the same.
#pragma once
#include "io/memory_storage.h"
#include "support/mmap_fixture.h"

#include <ion/bridge/storage_bridge.h>

#include <memory>

namespace ion::test {

class MemoryStorageFixture : public StoragePorts {
 public:
  MemoryStorageFixture() { start(); }
  Storage& storage() override { return *storage_; }
  void restart() override { start(); }
  void run() override {}
  FakeClock& time() override { return clock_; }

 protected:
  void start() { storage_ = std::make_unique<storage_memory::MemoryStorage>(clock_, storage_memory::StorageMemoryConfig{}, Uuid::random(1, 2)); }
  FakeClock clock_;
  std::unique_ptr<storage_memory::MemoryStorage> storage_;
};

// The same behind export_storage and ImportedStorage.
template <class Inner, uint32_t Caps>
class BridgedFixture final : public StoragePorts {
 public:
  Storage& storage() override { return imported_; }
  void restart() override { inner_.restart(); }
  void run() override { inner_.run(); }
  FakeClock& time() override { return inner_.time(); }

 private:
  struct Plugin {
    static constexpr uint32_t kStorageCaps = Caps;
    Inner* world;
    Storage& storage() { return world->storage(); }
  };
  Inner inner_;
  Plugin plugin_{&inner_};
  ImportedStorage imported_{ion_ref{&export_storage<Plugin>, &plugin_}};
};
using BridgedMemoryFixture = BridgedFixture<MemoryStorageFixture, storage_memory::MemoryStorage::kCaps>;
using BridgedMmapFixture = BridgedFixture<MmapFixture, storage_mmap::MmapStorage::kCaps>;

}  // namespace ion::test
