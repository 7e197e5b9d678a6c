// Offsets of partitions, asked without waiting: for readers, which run on the client's thread.
#pragma once
#include <ion/client/admin.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/failure.h"

namespace ion::client {

class Runtime;

// One attempt, as long as the client's request_timeout. No partitions is all. `done` runs on the driver's thread; a partition that
// failed has its own error.
void ask_offsets(Runtime& runtime, const std::string& topic, const std::vector<int32_t>& partitions, OffsetOf what,
                 std::function<void(Failure, std::vector<PartitionOffset>)> done);

}  // namespace ion::client
