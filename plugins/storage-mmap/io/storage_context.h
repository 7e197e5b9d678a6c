// What all logs of an instance share: the host's ports, the settings, and the parts that exist once. Owned by MmapStorage, which
// is drained before it goes, so that references to it are good in every job and every log. Thread: any.
#pragma once
#include "core/roll_policy.h"
#include "io/blocking_jobs.h"
#include "io/body_cache.h"
#include "io/flusher.h"
#include "io/mark_file.h"
#include "io/prepared_budget.h"
#include "io/read_map.h"
#include "storage_mmap_config.h"
#include "storage_mmap_metrics.h"

#include <ion/ports.h>

namespace ion::storage_mmap {

struct StoragePorts {
  Files& files;
  Executor& executor;
  Clock& clock;
  Random& random;
  Logger& logger;
};

struct StorageContext {
  StorageContext(const StoragePorts& p, const StorageMmapConfig& c, StorageMetrics& m)
      : ports(p), config(c), metrics(m), jobs(p.executor, outstanding), cache(c.open_segments_max), prepared(c.prepared_bytes_max, m),
        flusher(jobs, &StorageContext::flush_marks, this) {}

  const StoragePorts ports;
  const StorageMmapConfig config;
  StorageMetrics& metrics;
  // shared_ptr: leases may be given back while the instance is torn down.
  const std::shared_ptr<Outstanding> outstanding = std::make_shared<Outstanding>();
  const std::shared_ptr<MapBooks> maps{new MapBooks{{config.lease_bytes_max, outstanding}, ResidentParts(config.mapped_bytes_max)}};
  BlockingJobs jobs;
  BodyCache cache;
  PreparedBudget prepared;
  Flusher flusher;
  Uuid identity;                    // from start on
  std::unique_ptr<MarkFile> marks;  // from start on

  SpaceRules space_rules() const {
    const auto permille = [](double share) { return static_cast<uint32_t>(share * 1000 + 0.5); };
    return {permille(config.refuse_produce_at), permille(config.read_only_at)};
  }

 private:
  static Status flush_marks(void* self) { return static_cast<StorageContext*>(self)->marks->flush(); }
};

}  // namespace ion::storage_mmap
