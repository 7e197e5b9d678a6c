// What all logs of an instance share: the host's ports, the settings, and the parts that exist once. Owned by MmapStorage, which
// is drained before it goes, so that references to it are good in every job and every log. Thread: any.
#pragma once
#include "core/roll_policy.h"
#include "io/blocking_jobs.h"
#include "io/body_cache.h"
#include "io/flusher.h"
#include "io/job_line.h"
#include "io/known_directories.h"
#include "io/mark_file.h"
#include "io/open_files.h"
#include "io/prepared_budget.h"
#include "io/read_map.h"
#include "io/space_probe.h"
#include "storage_mmap_config.h"
#include "storage_mmap_metrics.h"

#include <ion/ports.h>

#include <atomic>
#include <string>

namespace ion::storage_mmap {

struct StoragePorts {
  Files& files;
  Executor& executor;
  Timers& timers;
  Clock& clock;
  Random& random;
  Logger& logger;
};

struct StorageContext {
  static constexpr size_t kClosingAtOnce = 4;  // logs
  StorageContext(const StoragePorts& p, const StorageMmapConfig& c, StorageMetrics& m)
      : ports(p), config(c), metrics(m), jobs(p.executor, outstanding), closing(jobs, kClosingAtOnce), cache(c.open_segments_max),
        prepared(c.prepared_bytes_max, m), open_files(p.files, jobs, c.open_files_max), flusher(jobs, &StorageContext::flush_marks, this) {}

  const StoragePorts ports;
  const StorageMmapConfig config;
  StorageMetrics& metrics;
  // shared_ptr: leases may be given back while the instance is torn down.
  const std::shared_ptr<Outstanding> outstanding = std::make_shared<Outstanding>();
  const std::shared_ptr<MapBooks> maps{new MapBooks{{config.lease_bytes_max, outstanding}, ResidentParts(config.mapped_bytes_max)}};
  BlockingJobs jobs;
  JobLine closing;
  BodyCache cache;
  PreparedBudget prepared;
  OpenFiles open_files;
  Flusher flusher;
  SpaceProbe probe;
  KnownDirectories known_directories;
  Uuid identity;                    // from start on
  std::unique_ptr<MarkFile> marks;  // from start on

  SpaceRules space_rules() const {
    const auto permille = [](double share) { return static_cast<uint32_t>(share * 1000 + 0.5); };
    return {permille(config.refuse_produce_at), permille(config.read_only_at)};
  }

  // `log` got no segment of `bytes`.
  void refused_for_space(const std::string& log, uint64_t bytes) {
    metrics.refused_for_space();
    probe.refused(log, bytes);
  }

  // Says that the disk is slow, at most once a second for all logs.
  void flush_took(Nanos time, const std::string& log) {
    if (time.n < config.slow_flush.n) return;
    const uint64_t now = ports.clock.now().ns;
    uint64_t told = slow_told_.load(std::memory_order_relaxed);
    if (told != 0 && now - told < static_cast<uint64_t>(seconds(1).n)) return;
    if (!slow_told_.compare_exchange_strong(told, now, std::memory_order_relaxed)) return;
    ports.logger.warn("slow disk: a flush took long", {{"log", log}, {"ms", std::to_string(time.n / 1'000'000)}});
  }

 private:
  std::atomic<uint64_t> slow_told_{0};
  static Status flush_marks(void* self) { return static_cast<StorageContext*>(self)->marks->flush(); }
};

}  // namespace ion::storage_mmap
