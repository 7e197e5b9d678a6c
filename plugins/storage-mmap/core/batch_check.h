// Whether a batch that somebody wants to store is what its descriptor says. Its CRC is not computed: the kernel has. Pure. Thread: any.
#pragma once
#include "core/segment_format.h"

#include <ion/abi/contract/storage.h>

namespace ion::storage_mmap {

struct CheckedBatch {
  std::array<uint8_t, batch::kHeaderBytes> raw{};  // its header's bytes
  batch::Header header;
};
// INVALID, with what was wanted and what is there. `least`: where the batch before it ends.
Result<CheckedBatch> check_batch(const ion_batch& batch, Offset least);

}  // namespace ion::storage_mmap
