// A suite of cases that every provider of ion.storage/1 passes: each case runs against each world.
#pragma once
#include "contract/storage/storage_fixtures.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace ion::test {

struct WorldMaker {
  const char* name;
  std::unique_ptr<StoragePorts> (*make)();
};
template <class World>
constexpr WorldMaker maker(const char* name) {
  return {name, [] { return std::unique_ptr<StoragePorts>(std::make_unique<World>()); }};
}

class StorageSuite : public ::testing::TestWithParam<WorldMaker> {
 protected:
  StorageDriver driver() { return world_->driver(); }
  LogDriver open(std::string_view name = "p/a/0", const OpenOptions& options = {}) {
    auto log = driver().open(name, options);
    EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().text());
    return *std::move(log);
  }
  bool is_volatile() { return (world_->storage().caps() & ION_STORAGE_VOLATILE) != 0; }
  const std::unique_ptr<StoragePorts> world_ = GetParam().make();
};

// Derives nothing: `Suite` is StorageSuite or a class made of it.
#define ION_STORAGE_SUITE(Suite)                                                                                                     \
  INSTANTIATE_TEST_SUITE_P(worlds, Suite,                                                                                            \
                           ::testing::Values(maker<MemoryStorageFixture>("memory"), maker<MmapFixture>("mmap"),                      \
                                             maker<BridgedMemoryFixture>("bridged_memory"), maker<BridgedMmapFixture>("bridged_mmap")), \
                           [](const auto& tested) { return std::string(tested.param.name); })

}  // namespace ion::test
