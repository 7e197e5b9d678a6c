// Finds where a time begins in a log: by what is known of its segments, then by their indexes, then by the headers of the batches
// of one stretch. Times may go back from batch to batch: the answer is the first batch, in offset order, that has a record of that time or
// a later one, and the search goes on until it is found or the log ends.
#pragma once
#include "io/log_reader.h"

namespace ion::storage_mmap {

struct TimeFound {
  Offset base;
  WallMs time_max;  // of that batch
};
// The first batch that ends above `from`, has records, and whose greatest record time is `time` or later. Offsets that are damaged are
// passed over. Nothing: there is none. BLOCKING.
Result<std::optional<TimeFound>> seek_time(LogReader& reader, const LogState& state, Offset from, WallMs time);

}  // namespace ion::storage_mmap
