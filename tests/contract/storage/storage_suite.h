// A suite of cases that every provider of ion.storage/1 passes: each case runs against each world.
#pragma once
#include "contract/storage/storage_fixtures.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
  bool claims(ion_storage_cap cap) { return (world_->storage().caps() & cap) != 0; }
  bool is_volatile() { return claims(ION_STORAGE_VOLATILE); }
  const std::unique_ptr<StoragePorts> world_ = GetParam().make();
};

// The worlds that this program asks; storage_worlds.cpp of the program says which.
std::vector<WorldMaker> storage_worlds();

// Derives nothing: `Suite` is StorageSuite or a class made of it.
#define ION_STORAGE_SUITE(Suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(worlds, Suite, ::testing::ValuesIn(storage_worlds()),         \
                           [](const auto& tested) { return std::string(tested.param.name); })

}  // namespace ion::test
