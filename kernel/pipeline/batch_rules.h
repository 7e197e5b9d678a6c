// What the settings of a topic ask of a batch that a client sends: its size, and the times of its records. Pure.
#pragma once
#include "cluster/metadata_view.h"

#include <ion/record_batch.h>
#include <ion/result.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace ion::pipeline {

// INVALID with RECORD_TOO_LARGE, which names both sizes: `bytes` is more than max.message.bytes.
Status check_batch_size(const cluster::TopicSettings& settings, std::string_view topic, uint64_t bytes);

struct TimeCheck {
  Status why;           // OK: all times are taken
  int32_t record = -1;  // the first that is not, from 0 in the batch
};
// `plain` holds one batch that was proved, without compression. A time of -1 is none, and is taken; so is any where the broker's clock
// gives the times. INVALID with INVALID_TIMESTAMP. Records are read only where the header alone does not answer.
TimeCheck check_times(const cluster::TopicSettings& settings, std::string_view topic, std::span<const ion_buf> plain, WallMs now);

}  // namespace ion::pipeline
