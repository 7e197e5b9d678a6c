// The beginning of one partition, deleted.
#include <ion/client/admin.h>

#include "ionstream/v1/admin.pb.h"
#include "parse_answer.h"
#include "runtime.h"

namespace ion::client {

namespace pb = ionstream::v1;

Result<Offset> Admin::trim_topic(std::string_view name, PartitionId partition, std::optional<Offset> before, Nanos timeout) {
  pb::TrimTopicRequest m;
  m.set_topic(std::string(name));
  m.set_partition(partition.v);
  if (before) m.set_before(before->v);
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/TrimTopic", m.SerializeAsString(), timeout}, Repeat::kSafe));
  ION_TRY(const auto trimmed, parse_answer<pb::TrimTopicResponse>(bytes));
  return Offset{trimmed.log_start()};
}

}  // namespace ion::client
