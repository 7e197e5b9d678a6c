// What storage-mmap counts. Names, units and help stand in one table; the calls below are events of the domain.
// Without ion.metrics nothing is counted. Thread: declare is CONTROL, the rest any.
#pragma once
#include <ion/bridge/host_bridge.h>

#include <array>
#include <cstdint>
#include <optional>

namespace ion::storage_mmap {

class StorageMetrics {
 public:
  StorageMetrics() = default;
  // Declares all; a metric that the host refuses is not counted.
  explicit StorageMetrics(ion_ref ref) : metrics_(std::in_place, ref) {
    for (size_t i = 0; i < kRows.size(); ++i) {
      const auto metric = metrics_->declare(kRows[i].kind, {kRows[i].name, kRows[i].unit, kRows[i].help}, 1);
      if (!metric) continue;
      if (const auto series = metrics_->series(*metric, {})) series_[i] = *series;
    }
  }

  void appended(uint64_t bytes) { add(kAppendedBytes, bytes); }
  void read(uint64_t bytes) { add(kReadBytes, bytes); }
  void rolled() { add(kRolled, 1); }
  void append_waited() { add(kAppendWaited, 1); }
  void refused_for_space() { add(kNoSpace, 1); }
  void flushed_file() { add(kFileFlushes, 1); }
  void asked_sync() { add(kSyncs, 1); }
  void prepared(uint64_t bytes) { add(kPrepared, bytes); }  // a gauge: sets
  void found_damage() { add(kDamage, 1); }
  void scrubbed(uint64_t bytes) { add(kScrubbed, bytes); }

 private:
  enum Metric { kAppendedBytes, kReadBytes, kRolled, kAppendWaited, kNoSpace, kFileFlushes, kSyncs, kDamage, kPrepared, kScrubbed, kMetrics };
  struct MetricRow {
    ion_metric_kind kind;
    std::string_view name, unit, help;
  };
  static constexpr std::array<MetricRow, kMetrics> kRows{{
      {ION_COUNTER, "ionstream_storage_appended_bytes_total", "bytes", "Bytes of batches put to the end of logs."},
      {ION_COUNTER, "ionstream_storage_read_bytes_total", "bytes", "Bytes of batches handed to readers, as slices of maps."},
      {ION_COUNTER, "ionstream_storage_segments_rolled_total", "segments", "Segments that were closed because they were full, old or sealed."},
      {ION_COUNTER, "ionstream_storage_appends_waited_total", "appends", "Appends that had to wait for a segment to be prepared."},
      {ION_COUNTER, "ionstream_storage_no_space_total", "answers", "Segments that were not made for want of space."},
      {ION_COUNTER, "ionstream_storage_file_flushes_total", "flushes", "Flushes of segment files; group commit keeps them below the syncs."},
      {ION_COUNTER, "ionstream_storage_syncs_total", "syncs", "Syncs that were asked for."},
      {ION_COUNTER, "ionstream_storage_damage_found_total", "ranges", "Ranges of offsets that were found damaged."},
      {ION_GAUGE, "ionstream_storage_prepared_bytes", "bytes", "Bytes of segments that wait ready on the disk for logs that will need them."},
      {ION_COUNTER, "ionstream_storage_scrubbed_bytes_total", "bytes", "Bytes of closed segments that were read again to find damage."},
  }};
  void add(Metric which, uint64_t n) {
    if (metrics_) metrics_->record(series_[which], static_cast<int64_t>(n));
  }
  std::optional<ImportedMetrics> metrics_;
  std::array<ion_series*, kMetrics> series_{};
};

}  // namespace ion::storage_mmap
