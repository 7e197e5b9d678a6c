// The only waist: every request of every protocol enters here (ion.broker_api/1) and takes one of the paths.
// Before serve() and after drain() verbs are refused with CLOSED. Thread: ANY. Outlives every transport.
#pragma once
#include "pipeline/admin_path.h"
#include "pipeline/fetch_path.h"
#include "pipeline/produce_path.h"

#include <atomic>
#include <type_traits>

namespace ion::api {

class LocalBrokerApi final : public EachVerb<LocalBrokerApi> {
 public:
  LocalBrokerApi(const pipeline::PipelineServices& services, cluster::Controller& controller, cluster::LocalBroker& local, const pipeline::NodeIdentity& identity, pipeline::EachPlugin plugins)
      : produce_(services), fetch_(services), admin_(services, controller, local, identity, std::move(plugins)) {}

  void set_health(ion_health health) noexcept { health_.store(health, std::memory_order_release); }

  // The path that has a function of the verb's name serves it.
  template <ion_verb kVerb, class Req, class Ans>
  Answer verb(Op& op, const Req& r, Ans& a, Answer (BrokerApi::*)(Op&, const Req&, Ans&)) {
    if (kVerbRows[kVerb].gate == ION_GATE_SERVING) {
      if (const Status why = closed(); !why.ok()) {
        explain(a.error, why, milliseconds(100));
        return op.refuse(why);
      }
    }
    return serve(Verb<kVerb>(), op, r, a);
  }
  Status cancel(uint64_t op_id) override { return fetch_.cancel(op_id); }
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override { return admin_.partition_of(r, a); }
  ion_health health() override { return health_.load(std::memory_order_acquire); }

 private:
#define ION_SERVE(name, Req, Ans, access, repeat, gate)                                                     \
  Answer serve(Verb<ION_VERB_##name>, Op& op, const Req& r, Ans& a) {                                       \
    return path_with([&](auto& path) -> decltype(path.name(op, r, a)) { return path.name(op, r, a); });     \
  }
  ION_BROKER_VERBS(ION_SERVE)
#undef ION_SERVE
  template <class Ask>
  Answer path_with(Ask ask) {
    if constexpr (std::is_invocable_v<Ask, pipeline::ProducePath&>) return ask(produce_);
    else if constexpr (std::is_invocable_v<Ask, pipeline::FetchPath&>) return ask(fetch_);
    else return ask(admin_);
  }

  Status closed() const;
  pipeline::ProducePath produce_;
  pipeline::FetchPath fetch_;
  pipeline::AdminPath admin_;
  std::atomic<ion_health> health_{ION_HEALTH_STARTING};
};

}  // namespace ion::api
