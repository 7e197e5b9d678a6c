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

  // Declared for every verb, so that a new one is written in one place; defined for those that no other path serves (api/broker_api.h).
#define ION_ADMIN_VERB(name, Req, Ans, access, repeat, gate) Answer name(Op& op, const Req& r, Ans& a);
  ION_BROKER_VERBS(ION_ADMIN_VERB)
#undef ION_ADMIN_VERB
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
