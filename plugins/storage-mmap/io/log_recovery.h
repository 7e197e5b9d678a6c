// Opens the files of a log: lists them, reads what the recovery plan asks for, obeys its judgement, and hands over segments that can
// be read and written. The decisions are in core/recovery_plan. Thread: BLOCKING.
#pragma once
#include "core/recovery_plan.h"
#include "io/log_state.h"
#include "io/storage_context.h"

#include <memory>
#include <vector>

namespace ion::storage_mmap {

struct RecoveredLog {
  // The last is written on, if the log is writable. Its file is closed if the log was closed in order; there is none if nothing was
  // ever appended.
  SegmentsNow segments;
  bool writable = false;    // not damaged
  Offset next;
  Mark mark;                // flushed, unless there is no segment
  bool cut_tail = false;
  bool in_order = false;    // the log was closed, and nothing was done with it since
  uint64_t next_number = 0; // for segments that are made ahead
  bool names_are_durable = false;  // all that are in its directory: it was flushed
};

// `existing`: NOT_FOUND instead of making a new log.
enum class IfMissing { kMake, kRefuse };
Result<RecoveredLog> recover_log(StorageContext& context, const LogState& state, IfMissing missing, uint64_t first_capacity);

}  // namespace ion::storage_mmap
