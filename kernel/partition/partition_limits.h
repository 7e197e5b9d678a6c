// Bounds of one partition. What an operator may turn is a row in pipeline_config.h.
#pragma once
#include <ion/time.h>

#include <cstddef>
#include <cstdint>

namespace ion::partition {

inline constexpr size_t kAppendsWaitingMax = 16'384;        // batches not yet acknowledged
inline constexpr size_t kFetchesParkedMax = 16'384;         // readers waiting for new records
inline constexpr size_t kProducersNotTakenMax = 4'096;      // producers whose refused batch is remembered
inline constexpr Nanos kSyncRetryBusy = milliseconds(1);        // a sync that the storage was too busy to try
inline constexpr Nanos kSyncRetryFullFirst = milliseconds(10);  // one that found no space; twice as long each time
inline constexpr Nanos kSyncRetryFullLast = seconds(1);
inline constexpr uint64_t kSnapshotEveryBytes = 64u << 20;  // producer state is written down after so much
inline constexpr uint64_t kSnapshotAtCloseBytes = 256u << 10;  // and at the end, if a start would read so much; less is read quickly
inline constexpr size_t kTrimsWaitingMax = 64;              // deletes of records that wait for the one before
inline constexpr size_t kPiecesOfALook = 64;                // sealed segments that one look of retention may delete
inline constexpr uint64_t kRetentionStepLeast = 64u << 10;  // bytes appended between two looks of retention.bytes, at least: the smallest segment
inline constexpr int64_t kTrimRetryMs = 30'000;            // until a delete of retention that was refused is tried again
inline constexpr uint64_t kCompactionChunkBytes = 1u << 20;  // that a compaction reads at once
inline constexpr size_t kCompactionPiecesMax = 1u << 20;     // sealed segments of a log that a compaction looks at
inline constexpr Nanos kCompactionPauseLeast = milliseconds(2), kCompactionPauseMost = milliseconds(250);  // between two chunks
inline constexpr Nanos kCompactionRetry = seconds(30), kCompactionRetryDamaged = seconds(600);  // after a run that failed
inline constexpr size_t kRepairEmptyReadsMax = 65'536;        // one after the other, each of an offset that no batch holds
inline constexpr int kEndReadsMax = 64;                      // of what follows, until an answer has an end that readers can go on from
inline constexpr uint64_t kEndReadBytes = 64u << 10;         // each
inline constexpr uint64_t kScanBytes = 1u << 20;            // per read while rebuilding producer state

}  // namespace ion::partition
