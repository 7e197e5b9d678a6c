// storage copy: ionstreamd has the plugins, so it does the work.
#include "bench/null_broker.h"
#include "command.h"
#include "process.h"

namespace ion::cli {
namespace {

void declare_copy(OptionSet& options) {
  options.value("from-config", "FILE of the broker whose topics and records are copied").value("to-config", "FILE of the one whose data directory is empty");
}

// Becomes ionstreamd, which answers in the place of this program.
int storage_copy(const Arguments& arguments, const Context&) {
  const char* const what = "storage copy";
  const std::string from = arguments.text("from-config"), to = arguments.text("to-config");
  if (from.empty() || to.empty()) return complain(what, usage("want --from-config FILE and --to-config FILE"));
  const auto program = bench::broker_program();
  if (!program) return complain(what, program.error());
  return complain(what, become({*program, "--config", from, "--copy-storage-to", to}));
}

}  // namespace

std::span<const Command> commands_in_storage() {
  static constexpr Command kCommands[] = {
      {330, "storage copy", "--from-config A --to-config B", "Copies a data directory into another, between storage plugins too; no broker may run on either.", declare_copy, storage_copy},
  };
  return kCommands;
}

}  // namespace ion::cli
