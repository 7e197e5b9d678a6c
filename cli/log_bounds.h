// Where the logs of a topic begin and end, as commands need it together.
#pragma once
#include <ion/client/client.h>

#include <string>
#include <vector>

#include "core/offset_range.h"

namespace ion::cli {

struct LogBounds {
  PartitionId partition;
  LogEnds log;
  Status error;  // OK, or why neither is known
};
// Of these partitions, none is all. `timeout` is the wait for partitions that are not served: it is over once, since one whose beginning
// is not told is not asked for its end. An error is one of the topic. Blocks.
Result<std::vector<LogBounds>> bounds_of(client::Client& client, const std::string& topic, const std::vector<int32_t>& partitions, Nanos timeout);

}  // namespace ion::cli
