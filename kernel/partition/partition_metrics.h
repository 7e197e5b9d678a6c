// What happens in partitions, in words of the domain; names and units stand in declare(), not at the calls.
// Thread: events from ANY; declare once before serving.
#pragma once
#include "observe/metric_registry.h"

#include <ion/result.h>

namespace ion::partition {

class PartitionMetrics {
 public:
  static Result<PartitionMetrics> declare(observe::MetricRegistry& registry) {
    PartitionMetrics m;
    ION_TRY(m.records_, registry.single(ION_COUNTER, "ionstream_records_produced_total", "records", "Records appended to partitions."));
    ION_TRY(m.bytes_, registry.single(ION_COUNTER, "ionstream_produced_bytes_total", "bytes", "Bytes of record batches appended to partitions."));
    ION_TRY(m.batches_, registry.single(ION_COUNTER, "ionstream_batches_produced_total", "batches", "Record batches appended to partitions."));
    ION_TRY(m.duplicates_, registry.single(ION_COUNTER, "ionstream_duplicate_batches_total", "batches", "Repeated batches that got their first answer again."));
    ION_TRY(m.refused_, registry.single(ION_COUNTER, "ionstream_sequence_refused_total", "batches", "Batches refused for a broken sequence or an old epoch."));
    ION_TRY(m.syncs_, registry.single(ION_COUNTER, "ionstream_partition_syncs_total", "syncs", "Group commits asked for by partitions."));
    ION_TRY(m.fetches_, registry.single(ION_COUNTER, "ionstream_fetches_total", "fetches", "Reads answered from partitions."));
    ION_TRY(m.fetched_bytes_, registry.single(ION_COUNTER, "ionstream_fetched_bytes_total", "bytes", "Bytes of record batches answered to readers."));
    ION_TRY(m.parked_, registry.single(ION_COUNTER, "ionstream_fetches_parked_total", "fetches", "Reads that waited for new records."));
    ION_TRY(m.deleted_, registry.single(ION_COUNTER, "ionstream_offsets_deleted_total", "offsets", "Offsets that retention or an operator took from the beginning of partitions."));
    ION_TRY(m.compactions_, registry.single(ION_COUNTER, "ionstream_compactions_total", "runs", "Compactions of partitions that ended as they should."));
    ION_TRY(m.compactions_failed_, registry.single(ION_COUNTER, "ionstream_compactions_failed_total", "runs", "Compactions of partitions that ended with an error."));
    ION_TRY(m.compaction_bytes_, registry.single(ION_COUNTER, "ionstream_compaction_read_bytes_total", "bytes", "Bytes of record batches that compactions read."));
    ION_TRY(m.compacted_away_, registry.single(ION_COUNTER, "ionstream_records_compacted_total", "records", "Records that compactions took away."));
    return m;
  }
  void appended(int64_t bytes, int64_t records) { bytes_->record(bytes), records_->record(records), batches_->record(1); }
  void duplicate() { duplicates_->record(1); }
  void refused() { refused_->record(1); }
  void synced() { syncs_->record(1); }
  void fetched(int64_t bytes) { fetches_->record(1), fetched_bytes_->record(bytes); }
  void deleted(int64_t offsets) { deleted_->record(offsets); }
  void compacted(bool well, int64_t bytes_read, int64_t removed) {
    (well ? compactions_ : compactions_failed_)->record(1);
    compaction_bytes_->record(bytes_read), compacted_away_->record(removed);
  }
  void parked() { parked_->record(1); }

 private:
  PartitionMetrics() = default;
  observe::Series *records_ = nullptr, *bytes_ = nullptr, *batches_ = nullptr, *duplicates_ = nullptr, *refused_ = nullptr, *syncs_ = nullptr,
                  *fetches_ = nullptr, *fetched_bytes_ = nullptr, *parked_ = nullptr, *deleted_ = nullptr, *compactions_ = nullptr, *compactions_failed_ = nullptr, *compaction_bytes_ = nullptr, *compacted_away_ = nullptr;
};

}  // namespace ion::partition
