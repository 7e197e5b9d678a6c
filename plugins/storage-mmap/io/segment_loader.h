// Opens a sealed segment that is read again, and checks what another process wrote before anybody gets it.
// All of it by pread, so that a bad disk is an error and not a signal. Thread: BLOCKING, several at a time.
#pragma once
#include "io/log_state.h"
#include "io/storage_context.h"

#include <vector>

namespace ion::storage_mmap {

// Reads what a scan wants from a file, in pieces.
Result<ScanResult> scan_file(File& file, const std::string& path, ScanSpec spec);

// What of a segment that must be as `promised` a scan of all of it found damaged.
std::vector<Damage> damage_of(const ScanResult& scan, const SegmentSummary& promised);

// Maps the segment and reads its index, or builds it again from the batches when it does not prove itself; then the segment has a
// body. Damage that is found on the way is told.
Result<std::vector<Damage>> load_segment(StorageContext& context, const LogState& state, const SegmentRef& segment);

// Checks the batches of [at, at + bytes), rounded up to whole stretches of the index. The caller tells the damage first, and then
// notes in the body which entries are checked.
struct CheckedStretch {
  std::vector<Damage> damage;
  size_t first_entry = 0, last_entry = 0;
};
Result<CheckedStretch> check_stretch(StorageContext& context, const LogState& state, const Segment& segment, const SegmentBody& body,
                                     uint64_t at, uint64_t bytes);

}  // namespace ion::storage_mmap
