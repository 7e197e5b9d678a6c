// Ours, in the process and through both bridges.
#include "contract/storage/storage_suite.h"

namespace ion::test {

std::vector<WorldMaker> storage_worlds() {
  return {maker<MemoryStorageFixture>("memory"), maker<MmapFixture>("mmap"), maker<BridgedMemoryFixture>("bridged_memory"),
          maker<BridgedMmapFixture>("bridged_mmap")};
}

}  // namespace ion::test
