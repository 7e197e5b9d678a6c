// Verbs of operators, and the metadata that clients route by. Thread: ANY.
#pragma once
#include "pipeline/pipeline_services.h"
#include "pipeline/producer_ids.h"

#include <ion/contract/broker_api.h>

#include <functional>

namespace ion::pipeline {

// What the host module knows of plugins; given by kernel.cpp, since that module lies to the right.
using EachPlugin = std::function<void(ion_plugin_fn each, void* ctx)>;

class AdminPath {
 public:
  AdminPath(const PipelineServices& pipeline, cluster::Controller& controller, cluster::LocalBroker& local, const NodeIdentity& identity, EachPlugin plugins)
      : services_(pipeline), controller_(controller), local_(local), identity_(identity), plugins_(std::move(plugins)), producers_(controller) {}

  Answer init_producer(Op& op, const ion_producer_req& r, ion_producer_answer& a);
  Answer metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a);
  Answer topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a);
  Answer topic_list(Op& op, const ion_topic_req& r, ion_admin_answer& a);
  Answer topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a);
  Answer topic_delete(Op& op, const ion_topic_req& r, ion_admin_answer& a);
  Answer plugin_list(Op& op, const ion_plugin_req& r, ion_admin_answer& a);
  Answer cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a);
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a);

 private:
  void tell(const cluster::TopicRecord& record, const cluster::TopicEntry* entry, const ion_topic_req& r) const;
  void tell_broker(ion_broker_fn each, void* ctx) const;

  const PipelineServices& services_;
  cluster::Controller& controller_;
  cluster::LocalBroker& local_;
  const NodeIdentity& identity_;
  const EachPlugin plugins_;
  ProducerIds producers_;
};

}  // namespace ion::pipeline
