// Bounds of requests. Every one is a row of `limits` in the configuration; kernel.cpp joins them.
#pragma once
#include <ion/time.h>

#include <cstdint>

namespace ion::pipeline {

struct PipelineLimits {
  uint64_t record_bytes_max = 1u << 20;  // key, value and headers of one record
  uint64_t batch_bytes_max = 16u << 20;
  uint64_t decompressed_bytes_max = 64u << 20;  // of one batch, when its records are looked at
  uint64_t fetch_bytes_max = 16u << 20;
  uint64_t fetch_bytes_default = 1u << 20;
  Nanos fetch_wait_max = seconds(60);
  uint64_t inflight_bytes_max = 512u << 20;  // of produce requests that are not yet answered
  uint32_t partitions_default = 1;
};

}  // namespace ion::pipeline
