// The cluster and its brokers.
#include <ion/client/admin.h>

#include "ionstream/v1/admin.pb.h"
#include "parse_answer.h"
#include "runtime.h"

namespace ion::client {

namespace pb = ionstream::v1;

Result<ClusterView> Admin::cluster_info(Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/ClusterInfo", {}, timeout}, Repeat::kSafe));
  ION_TRY(const auto m, parse_answer<pb::ClusterInfoResponse>(bytes));
  ClusterView out;
  out.cluster_id = m.cluster_id(), out.controller = {m.controller()}, out.node = {m.node()}, out.version = m.version();
  for (const pb::BrokerInfo& b : m.brokers()) out.brokers.push_back({{b.node()}, b.address(), b.rack(), b.version()});
  out.record_bytes_max = m.limits().record_bytes_max(), out.batch_bytes_max = m.limits().batch_bytes_max();
  out.message_bytes_max = m.limits().message_bytes_max();
  out.topics = m.topics(), out.partitions = m.partitions(), out.started_ms = m.started_ms();
  out.state = m.state(), out.refuses_writes = m.refuses_writes();
  for (const pb::Problem& p : m.problems()) out.problems.push_back({p.part(), p.words(), p.stops_writes()});
  return out;
}

}  // namespace ion::client
