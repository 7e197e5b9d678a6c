// The topics of one broker behind the broker API: the catalogue on the metadata log, the partitions that this broker serves, and
// the pipeline that every request takes.
//
//   built -> open: metadata log read, partitions opened -> closed: partitions first, then the metadata log
//
// Thread: main; api() and its verbs from ANY. Outlives every transport and every caller of api(); close before destruction.
#pragma once
#include "api/broker_api.h"
#include "base/world.h"
#include "cluster/topic_events.h"
#include "kernel.h"
#include "observe/health.h"
#include "observe/metric_registry.h"
#include "partition/compaction_services.h"
#include "plugin_set.h"
#include "space_reserve.h"

#include <memory>

namespace ion {

class TopicServer {
 public:
  // `data_dir` outlives the work of the broker. `identity` gets the address of the first listener later, before the first request.
  static Result<std::unique_ptr<TopicServer>> build(World& world, Files& data_dir, const config::KernelConfig& config, PluginSet& plugins,
                                                    observe::MetricRegistry& metrics, observe::KernelEvents& events, const pipeline::NodeIdentity& identity);

  Status open_metadata();
  // Health tells afterwards whether there is space for writes.
  Status open_partitions();
  Status close_partitions(Nanos limit);
  Status close_metadata(Nanos limit);

  api::LocalBrokerApi& api() { return *api_; }
  pipeline::InterceptorChain& interceptors() { return interceptors_; }
  void set_health(ion_health health);
  // What an interceptor still keeps is answered now, so that it does not hold up a stop. ANY
  void stop_interceptors() { interceptors_.stop(); }

 private:
  TopicServer(World& world, Files& data_dir, PluginSet& plugins, const config::KernelConfig& config, partition::PartitionMetrics metrics, observe::KernelEvents& events);
  bool volatile_storage() const { return (plugins_.storage().caps() & ION_STORAGE_VOLATILE) != 0; }
  bool can_compact() const { return (plugins_.storage().caps() & ION_STORAGE_COMPACTION) != 0; }
  partition::KeySecret key_secret();
  void ask_for_space(std::function<void(Status)> done);
  cluster::TopicSettings defaults() const;
  pipeline::PluginVerbs plugin_verbs();
  Status add_interceptors(observe::MetricRegistry& metrics);
  pipeline::PipelineLimits limits() const;

  World& world_;
  PluginSet& plugins_;
  const config::KernelConfig& config_;
  partition::PartitionMetrics partition_metrics_;
  observe::Health health_;
  SpaceReserve reserve_;
  partition::SpaceWatch space_;
  std::unique_ptr<Random> compaction_random_;
  partition::CompactionTurns compaction_turns_;
  LimitedJobs compaction_jobs_;
  partition::CompactionServices compaction_;
  cluster::MetadataView view_;
  std::unique_ptr<Random> ids_;
  cluster::LocalBroker local_;
  cluster::TopicEvents topic_events_;
  cluster::Controller controller_;
  pipeline::Admission admission_;
  pipeline::BatchCodecs codecs_;
  LimitedJobs opening_;
  pipeline::InterceptorChain interceptors_;
  const pipeline::PipelineServices pipeline_;
  std::unique_ptr<api::LocalBrokerApi> api_;
};

}  // namespace ion
