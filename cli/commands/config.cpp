// config check: the broker itself judges, so that there is one judgement.
#include "bench/null_broker.h"
#include "command.h"
#include "process.h"

namespace ion::cli {
namespace {

void declare_config_check(OptionSet& options) {
  options.positionals(0, 1).values("set", "KEY=VALUE over the file; may be repeated");
}

int config_check(const Arguments& arguments, const Context&) {
  const auto program = bench::broker_program();
  if (!program) return complain("config check", program.error());
  std::vector<std::string> command{*program, "--check-config"};
  if (arguments.positionals().empty()) command.push_back("--dev");
  else command.insert(command.end(), {"--config", arguments.positionals()[0]});
  for (const std::string& set : arguments.texts("set")) command.insert(command.end(), {"--set", set});
  return complain("config check", become(command));
}

}  // namespace

std::span<const Command> commands_in_config() {
  static constexpr Command kCommands[] = {
      {320, "config check", "[FILE]", "Whether a broker would start with this configuration.", declare_config_check, config_check},
  };
  return kCommands;
}

}  // namespace ion::cli
