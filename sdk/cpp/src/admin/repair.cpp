// What a partition has lost, and the partition without it.
#include <ion/client/admin.h>

#include <string>

#include "ionstream/v1/admin.pb.h"
#include "parse_answer.h"
#include "runtime.h"

namespace ion::client {

namespace pb = ionstream::v1;

Result<RepairView> Admin::repair_topic(std::string_view name, PartitionId partition, Loss loss, Nanos timeout) {
  pb::RepairTopicRequest m;
  m.set_topic(std::string(name));
  m.set_partition(partition.v);
  m.set_accept_loss(loss == Loss::kAccept);
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/RepairTopic", m.SerializeAsString(), timeout}, loss == Loss::kAccept ? Repeat::kUnsafe : Repeat::kSafe));
  ION_TRY(const auto answer, parse_answer<pb::RepairTopicResponse>(bytes));
  RepairView view;
  for (const pb::LostPart& part : answer.lost()) view.lost.push_back({Offset{part.from()}, Offset{part.upto()}});
  view.lost_parts = answer.lost_parts(), view.lost_bytes = answer.lost_bytes();
  view.log_start = Offset{answer.log_start()}, view.next = Offset{answer.next()};
  view.records_left = answer.records_left(), view.bytes_left = answer.bytes_left();
  view.repaired = answer.repaired(), view.dense = answer.dense();
  return view;
}

}  // namespace ion::client
