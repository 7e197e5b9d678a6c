// The beginning of one partition, deleted.
#include <ion/client/admin.h>

#include <string>

#include "ionstream/v1/admin.pb.h"
#include "parse_answer.h"
#include "runtime.h"

namespace ion::client {

namespace pb = ionstream::v1;

Result<Offset> Admin::trim_topic(std::string_view name, PartitionId partition, std::optional<Offset> before, Nanos timeout) {
  pb::TrimTopicRequest m;
  m.set_topic(std::string(name));
  m.set_partition(partition.v);
  if (!before) {  // found out once: a repeat must not delete what came since
    ION_TRY(const auto ends, list_offsets(name, {partition.v}, OffsetOf::kEnd, timeout));
    if (ends.empty()) return Status(ION_E_CLOSED, "the end of partition " + std::to_string(partition.v) + " is not in the answer of the broker", "NOT_READY");
    ION_CHECK(ends.front().error);
    before = ends.front().offset;
  }
  m.set_before(before->v);
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/TrimTopic", m.SerializeAsString(), timeout}, Repeat::kSafe));
  ION_TRY(const auto trimmed, parse_answer<pb::TrimTopicResponse>(bytes));
  return Offset{trimmed.log_start()};
}

}  // namespace ion::client
