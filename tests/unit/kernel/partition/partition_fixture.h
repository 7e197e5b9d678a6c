// Batches for partitions in a world under the test's hand.
#pragma once
#include "observe/metric_registry.h"
#include "partition/partition.h"
#include "support/hand_world.h"

#include <ion/record_writer.h>

#include <string>
#include <vector>

namespace ion::test {

inline std::vector<uint8_t> make_batch(std::initializer_list<std::string_view> values, batch::Identity who = {}) {
  batch::RecordWriter w;
  for (std::string_view v : values) {
    batch::NewRecord r;
    r.value = span_of(v);
    r.time = {1'700'000'000'000};
    w.append(r);
  }
  return w.finish(who);
}

}  // namespace ion::test
