#include "log_bounds.h"

#include <algorithm>

namespace ion::cli {

Result<std::vector<LogBounds>> bounds_of(client::Client& client, const std::string& topic, const std::vector<int32_t>& partitions, Nanos timeout) {
  ION_TRY(const auto starts, client.admin().list_offsets(topic, partitions, client::OffsetOf::kStart, timeout));
  std::vector<LogBounds> bounds;
  std::vector<int32_t> served;
  for (const client::PartitionOffset& start : starts) {
    bounds.push_back({start.partition, {start.offset, start.offset}, start.error});
    if (start.error.ok()) served.push_back(start.partition.v);
  }
  if (served.empty()) return bounds;  // an empty list would ask for all
  ION_TRY(const auto ends, client.admin().list_offsets(topic, served, client::OffsetOf::kEnd, timeout));
  for (LogBounds& b : bounds) {
    if (!b.error.ok()) continue;
    const auto end = std::find_if(ends.begin(), ends.end(), [&](const auto& e) { return e.partition == b.partition; });
    if (end == ends.end()) b.error = Status(ION_E_CLOSED, "its end is not in the answer of the broker", "NOT_READY");
    else b.log.end = end->offset, b.error = end->error;
  }
  return bounds;
}

}  // namespace ion::cli
