// Maps the whole set of plugins in a child process first: `ionstreamd --probe a.so b.so`. What aborts, throws or hangs while it
// is loaded does so there, and its signal and last words become the error message.
// The child: maps our own libraries, then each plugin, calls each entry and compares its descriptor with its note; it tells the
// parent on a pipe which one is next, so that the dead one has a name. Thread: control.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::host {

constexpr std::string_view kProbeFlag = "--probe";
constexpr size_t kProbeOutputMax = 1 << 20;  // of the child's stderr; the last lines are kept

struct ProbeTarget {
  std::string name;  // for messages
  std::string copy;  // the file that will be mapped
};
struct ProbeOptions {
  std::string program = "/proc/self/exe";
  Nanos deadline = seconds(30);  // for the whole set
};

// FAILED or the child's own refusal: "plugin NAME: ..."; DEADLINE when it hangs.
Status probe_plugins(const std::vector<ProbeTarget>& targets, const std::vector<std::string>& libraries,
                     const ProbeOptions& options);

// The child's side, for main(): `argv[1]` is kProbeFlag. Does not come back.
[[noreturn]] int probe_main(int argc, char** argv);

}  // namespace ion::host
