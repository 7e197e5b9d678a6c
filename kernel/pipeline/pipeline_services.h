// What every path of the pipeline shares. Owned by kernel.cpp, outlives them all.
#pragma once
#include "cluster/controller.h"
#include "cluster/local_broker.h"
#include "cluster/metadata_view.h"
#include "observe/health.h"
#include "pipeline/admission.h"
#include "pipeline/batch_codecs.h"
#include "pipeline/interceptor_chain.h"
#include "pipeline/pipeline_limits.h"

#include <ion/contract/broker_api.h>
#include <ion/contract/router.h>
#include <ion/limited_jobs.h>
#include <ion/ports.h>

#include <atomic>
#include <functional>
#include <string>

namespace ion::pipeline {

struct NodeIdentity {
  NodeId node;
  std::string cluster_id, rack, version;
  std::string address;  // where clients reach this broker; known when the transport listens
  WallMs started;
};

struct PipelineServices {
  Clock& clock;
  Logger& logger;
  cluster::MetadataView& view;
  Router* router = nullptr;  // null: requests must name their partition
  InterceptorChain& interceptors;
  Admission& admission;
  BatchCodecs& codecs;
  PipelineLimits limits;
  const observe::Health& health;
  LimitedJobs& opening;  // where compressed batches are opened for readers: who completes a read is a shard
};

// Finds a served partition. NOT_FOUND with TOPIC_NOT_FOUND or PARTITION_NOT_FOUND, or why it is not served. `topic_id` may be empty:
// any topic of that name; else CONFLICT with TOPIC_RECREATED when the topic of that name has another uuid.
Result<partition::PartitionPtr> find_partition(const cluster::MetadataView& view, std::string_view topic, PartitionId partition, ion_bytes topic_id = {},
                                               cluster::TopicEntryPtr* of = nullptr);  // `of`: gets the topic

Status unknown_topic(std::string_view name);

// Says in words why a request fails; `error` may be null. OVERLOADED passes soon: the client is asked to come again in 10 ms.
inline void explain_failure(ion_error_info* error, const Status& why) {
  explain(error, why, why.code() == ION_E_OVERLOADED ? milliseconds(10) : Nanos{});
}

}  // namespace ion::pipeline
