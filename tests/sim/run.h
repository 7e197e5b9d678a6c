// One run: everything in it follows from its seed. A machine, a broker that is started and goes down again and again, clients that go on,
// faults; and at the end, without faults, everything that was promised is looked for.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ion::sim {

struct RunOptions {
  uint64_t seed = 1;
  std::string plugin_dir, data_dir;
  bool keep_trace = false;
};
struct Verdict {
  std::string wrong;  // empty: nothing
  uint64_t trace_hash = 0;
  std::vector<std::string> trace;  // when it was to be kept
  std::string log;                 // of the broker's last life
  uint64_t lives = 0, acknowledgements = 0, records_read = 0, faults = 0;
};
Verdict run(const RunOptions& options);

}  // namespace ion::sim
