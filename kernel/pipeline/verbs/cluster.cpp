// metadata, cluster_info: what this broker knows of the cluster and of itself.
#include "pipeline/verb_paths.h"

namespace ion::pipeline {

void VerbPaths::tell_broker(ion_broker_fn each, void* ctx) const {
  if (each == nullptr) return;
  const ion_broker_info me{sizeof(ion_broker_info), 0, identity_.node.v, bytes_of(identity_.address), bytes_of(identity_.rack), bytes_of(identity_.version)};
  each(ctx, &me);
}

Answer VerbPaths::metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  if (r.name.n != 0) {
    const cluster::TopicEntryPtr entry = services_.view.find(text_of(r.name));
    if (entry == nullptr) return refuse(op, a.error, unknown_topic(text_of(r.name)));
    tell_broker(r.each_broker, r.ctx);
    tell(*entry->record, entry.get(), r);
    return op.ok();
  }
  tell_broker(r.each_broker, r.ctx);
  const auto topics = services_.view.current();
  for (const auto& [name, entry] : *topics) tell(*entry->record, entry.get(), r);
  return op.ok();
}

namespace {
static_assert(static_cast<int>(observe::HealthState::kStarting) == ION_HEALTH_STARTING && static_cast<int>(observe::HealthState::kServing) == ION_HEALTH_SERVING &&
              static_cast<int>(observe::HealthState::kDraining) == ION_HEALTH_DRAINING && static_cast<int>(observe::HealthState::kFailed) == ION_HEALTH_FAILED);

void tell_health(const observe::HealthReport& report, const ion_cluster_req& r, ion_cluster_answer& a) {
  a.state = static_cast<uint32_t>(report.state);
  for (const observe::HealthReason& reason : report.reasons) {
    const bool writes = reason.harm == observe::Harm::kWrites;
    if (writes) a.flags |= ION_CLUSTER_REFUSES_WRITES;
    if (r.each_problem == nullptr) continue;
    const ion_problem_info problem{sizeof problem, writes ? ION_PROBLEM_STOPS_WRITES : 0, bytes_of(reason.part), bytes_of(reason.words)};
    r.each_problem(r.ctx, &problem);
  }
}
}  // namespace

Answer VerbPaths::cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) {
  a.node = a.controller = identity_.node.v;
  std::snprintf(a.cluster_id, sizeof a.cluster_id, "%s", identity_.cluster_id.c_str());
  std::snprintf(a.version, sizeof a.version, "%s", identity_.version.c_str());
  const auto topics = services_.view.current();
  a.topics = topics->size();
  a.partitions = 0;
  for (const auto& [name, entry] : *topics) a.partitions += entry->partitions.size();
  a.started_ms = static_cast<uint64_t>(identity_.started.ms);
  a.record_bytes_max = services_.limits.record_bytes_max, a.batch_bytes_max = services_.limits.batch_bytes_max;
  tell_broker(r.each_broker, r.ctx);
  tell_health(services_.health.report(), r, a);
  return op.ok();
}

}  // namespace ion::pipeline
