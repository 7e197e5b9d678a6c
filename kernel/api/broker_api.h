// Where every request of every protocol enters (ion.broker_api/1): counted, refused unless the broker serves, and handed to the
// function of its name in the pipeline. Thread: ANY. Outlives every transport.
#pragma once
#include "api/verb_metrics.h"
#include "pipeline/verb_paths.h"

#include <atomic>

namespace ion::api {

class LocalBrokerApi final : public UniformBrokerApi<LocalBrokerApi> {
 public:
  LocalBrokerApi(const pipeline::PipelineServices& services, cluster::Controller& controller, cluster::LocalBroker& local,
                 const pipeline::NodeIdentity& identity, pipeline::PluginVerbs plugins)
      : paths_(services, controller, local, identity, std::move(plugins)), metrics_(services.clock) {}

  // Before serving; without it nothing is counted.
  Status declare_metrics(observe::MetricRegistry& registry) { return metrics_.declare(registry); }
  void set_health(ion_health health) noexcept { health_.store(health, std::memory_order_release); }

  template <Verb V>
  Answer on(Op& op, const RequestOf<V>& r, ReplyOf<V>& a) {
    return metrics_.follow(V, op, [&](Op& followed) {
      if (const Status why = closed(V); !why.ok()) {
        explain(a.error, why, milliseconds(100));
        return followed.refuse(why);
      }
      return VerbTraits<V>::call(paths_, followed, r, a);
    });
  }
  template <Verb V>
  Status look_up(const RequestOf<V>& r, ReplyOf<V>& a) {
    const Instant began = metrics_.now();
    Status status = closed(V);
    if (status.ok()) status = VerbTraits<V>::call(paths_, r, a);
    else explain(a.error, status, milliseconds(100));
    metrics_.count(V, began, status.code());
    return status;
  }
  Status cancel(uint64_t op_id) override { return paths_.cancel(op_id); }
  ion_health health() override { return health_.load(std::memory_order_acquire); }

 private:
  Status closed(Verb verb) const;

  pipeline::VerbPaths paths_;
  VerbMetrics metrics_;
  std::atomic<ion_health> health_{ION_HEALTH_STARTING};
};

}  // namespace ion::api
