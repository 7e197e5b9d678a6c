// The null broker: a broker API that stores nothing. Produce is acknowledged at once; fetch serves the last batch that was
// produced, again and again, from static memory. With the same transport and client around it, it is the ceiling that `ion bench`
// measures the real broker against. Every topic exists, with one partition. Thread: ANY.
#pragma once
#include <ion/contract/broker_api.h>
#include <ion/record_batch.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace ion::api {

class NullBroker final : public PartialBrokerApi {
 public:
  NullBroker();
  void set_health(ion_health health) noexcept { health_.store(health, std::memory_order_release); }

  Answer produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) override;
  Answer fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) override;
  Status cancel(uint64_t) override { return {ION_E_NOT_FOUND, "the null broker parks nothing"}; }
  Answer offset_for(Op& op, const ion_offset_req& r, ion_offset_answer& a) override;
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override;
  Answer init_producer(Op& op, const ion_producer_req& r, ion_producer_answer& a) override;
  Answer metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a) override { return tell(op, r, a); }
  Answer topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) override { return tell(op, r, a); }
  Answer topic_list(Op& op, const ion_topic_req& r, ion_admin_answer& a) override { return tell(op, r, a); }
  Answer topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a) override { return tell(op, r, a); }
  Answer topic_delete(Op& op, const ion_topic_req&, ion_admin_answer&) override { return op.ok(); }
  Answer plugin_list(Op& op, const ion_plugin_req&, ion_admin_answer&) override { return op.ok(); }
  Answer cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) override;
  ion_health health() override { return health_.load(std::memory_order_acquire); }

  void set_address(std::string address) { address_ = std::move(address); }  // before serving

 private:
  struct Sample;  // a batch that fetch serves
  Answer tell(Op& op, const ion_topic_req& r, ion_admin_answer& a);
  void keep(const batch::Header& h, std::span<const ion_buf> parts);

  std::atomic<int64_t> next_offset_{0}, next_producer_{1};
  std::atomic<uint64_t> largest_{0};                  // bytes of the batch that is kept
  std::atomic<std::shared_ptr<const Sample>> sample_;  // shared: fetches in flight hold the one they began with
  std::atomic<ion_health> health_{ION_HEALTH_STARTING};
  std::string address_;
};

}  // namespace ion::api
