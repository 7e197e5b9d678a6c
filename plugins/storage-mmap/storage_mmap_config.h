// Settings of storage-mmap.
#pragma once
#include <ion/config_rows.h>

#include <cstdint>
#include <tuple>

namespace ion::storage_mmap {

struct StorageMmapConfig {
  uint64_t segment_bytes = 256_MiB;
  Nanos segment_age{};
  uint32_t prepare_ahead = 2;
  uint64_t prepared_bytes_max = 256_MiB;
  bool prepare_zeroed = true;
  uint64_t index_interval = 16_KiB;
  uint64_t writeback_bytes = 8_MiB;
  uint64_t checkpoint_bytes = 64_MiB;
  Nanos checkpoint_pause = seconds(2);
  Nanos slow_flush = seconds(1);
  double refuse_produce_at = 0.95;
  double read_only_at = 0.98;
  uint64_t lease_bytes_max = 1_GiB;
  uint64_t mapped_bytes_max = 32_MiB;
  uint32_t open_segments_max = 1024;
  uint32_t open_files_max = 400;
  uint64_t scrub_bytes_per_second = 8_MiB;
  Nanos scrub_period = seconds(int64_t{7} * 86400);

  static constexpr auto rows() {
    using C = StorageMmapConfig;
    return std::tuple{
        row("segment_bytes", &C::segment_bytes, kBytes, 64_KiB, 4_GiB,
            "A segment is closed at this size, unless the log says otherwise. Small logs have smaller segments."),
        row("segment_age", &C::segment_age, Nanos{}, seconds(int64_t{10} * 365 * 86400),
            "A segment is closed this long after its first batch, unless the log says otherwise. 0: never."),
        row("prepare_ahead", &C::prepare_ahead, kCount, 0, 8,
            "Small segments that wait ready for a log that has filled one; of large ones one waits once the log is half through. 0: none."),
        row("prepared_bytes_max", &C::prepared_bytes_max, kBytes, 0, 1024_GiB,
            "Bytes of all segments that wait ready; idle logs give theirs back, then appends wait for a segment to be made."),
        row("prepare_zeroed", &C::prepare_zeroed,
            "Write zeros into a segment before its use if its log is flushed often: flushes are quicker, each byte is written twice."),
        row("index_interval", &C::index_interval, kBytes, 4_KiB, 64_KiB, "Batches between two entries of the offset index."),
        row("writeback_bytes", &C::writeback_bytes, kBytes, 0, 1_GiB,
            "Appended bytes after which the system is asked to begin writing them out. 0: never asked."),
        row("checkpoint_bytes", &C::checkpoint_bytes, kBytes, 0, 4_GiB,
            "Bytes of the segment that is written on after which it is flushed and its index written: a start after a kill reads what lies behind. Looked at with writeback_bytes. 0: never."),
        row("checkpoint_pause", &C::checkpoint_pause, Nanos{}, seconds(3600), "Time from one checkpoint of a log to the next, at least: each flushes."),
        row("slow_flush", &C::slow_flush, Nanos{1'000'000}, seconds(3600),
            "A flush that takes longer is told in the log, at most once a second."),
        row("refuse_produce_at", &C::refuse_produce_at, 0.0, 1.0,
            "Share of the disk above which logs of topics get no further segment: produce answers NO_SPACE."),
        row("read_only_at", &C::read_only_at, 0.0, 1.0,
            "Share of the disk above which only Raft and metadata logs get further segments."),
        row("lease_bytes_max", &C::lease_bytes_max, kBytes, 1_MiB, 1024_GiB,
            "Bytes of mapped segments that readers may hold at once; further reads answer OVERLOADED."),
        row("mapped_bytes_max", &C::mapped_bytes_max, kBytes, 16_MiB, 1024_GiB,
            "Bytes of segments that stay in the process's page tables; what was read longest ago is taken out and stays in the page cache."),
        row("open_segments_max", &C::open_segments_max, kCount, 16, 32768,
            "Sealed segments that stay mapped; the least recently read are closed."),
        row("open_files_max", &C::open_files_max, kCount, 16, 1'000'000,
            "Files of logs that stay open to be written; the least recently written are flushed and closed, and opened again by the next append."),
        row("scrub_bytes_per_second", &C::scrub_bytes_per_second, kBytes, 0, 16_GiB,
            "Bytes of closed segments that are read again in a second to find what the disk has damaged. 0: never."),
        row("scrub_period", &C::scrub_period, seconds(60), seconds(int64_t{10} * 365 * 86400),
            "How long after it was written, or looked at last, a closed segment is read again."),
    };
  }
};

}  // namespace ion::storage_mmap
