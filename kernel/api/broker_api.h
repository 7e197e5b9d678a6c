// The only waist: every request of every protocol enters here (ion.broker_api/1) and takes one of the paths.
// Before serve() and after drain() verbs are refused with CLOSED. Thread: ANY. Outlives every transport.
#pragma once
#include "pipeline/admin_path.h"
#include "pipeline/fetch_path.h"
#include "pipeline/produce_path.h"

#include <atomic>

namespace ion::api {

class LocalBrokerApi final : public BrokerApi {
 public:
  LocalBrokerApi(const pipeline::PipelineServices& services, cluster::Controller& controller, cluster::LocalBroker& local, const pipeline::NodeIdentity& identity, pipeline::EachPlugin plugins)
      : produce_(services), fetch_(services), admin_(services, controller, local, identity, std::move(plugins)) {}

  void set_health(ion_health health) noexcept { health_.store(health, std::memory_order_release); }

  Answer produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) override;
  Answer fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) override;
  Status cancel(uint64_t op_id) override { return fetch_.cancel(op_id); }
  Answer offset_for(Op& op, const ion_offset_req& r, ion_offset_answer& a) override;
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override { return admin_.partition_of(r, a); }
  Answer init_producer(Op& op, const ion_producer_req& r, ion_producer_answer& a) override;
  Answer metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_list(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_delete(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer plugin_list(Op& op, const ion_plugin_req& r, ion_admin_answer& a) override { return admin_.plugin_list(op, r, a); }
  Answer cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) override { return admin_.cluster_info(op, r, a); }
  ion_health health() override { return health_.load(std::memory_order_acquire); }

 private:
  Status closed() const;
  pipeline::ProducePath produce_;
  pipeline::FetchPath fetch_;
  pipeline::AdminPath admin_;
  std::atomic<ion_health> health_{ION_HEALTH_STARTING};
};

}  // namespace ion::api
