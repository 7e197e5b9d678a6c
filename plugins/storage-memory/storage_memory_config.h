// Settings of storage-memory.
#pragma once
#include <ion/config_rows.h>

#include <cstdint>
#include <tuple>

namespace ion::storage_memory {

struct StorageMemoryConfig {
  uint64_t segment_bytes = 4_MiB;

  static constexpr auto rows() {
    return std::tuple{row("segment_bytes", &StorageMemoryConfig::segment_bytes, kBytes, 4_KiB, 1_GiB,
                          "A piece of a log is closed at this size, unless the log says otherwise.")};
  }
};

}  // namespace ion::storage_memory
