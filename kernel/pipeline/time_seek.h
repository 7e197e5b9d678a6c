// The first record of a partition at or after a time. The storage knows which batch may hold it; the records say. A batch whose records
// with such times are gone, or are below the log's first offset, is passed over, and the search goes on behind it.
#pragma once
#include "pipeline/pipeline_services.h"

#include <ion/contract/broker_api.h>

namespace ion::pipeline {

// `a` is the caller's until completion: offset and time of the record; the offset of the next one to come and time -1 when there is none.
// UNSUPPORTED: the storage has no index of times. ANY.
Answer offset_for_time(Op& op, const PipelineServices& services, partition::PartitionPtr partition, WallMs time, ion_offset_answer& a);

}  // namespace ion::pipeline
