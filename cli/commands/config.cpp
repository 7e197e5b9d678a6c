// config check, config print: the broker itself judges, so that there is one judgement.
#include "bench/null_broker.h"
#include "command.h"
#include "process.h"

namespace ion::cli {
namespace {

void declare_config(OptionSet& options) { options.positionals(0, 1).values("set", "KEY=VALUE over the file; may be repeated"); }

// Becomes ionstreamd, which answers in the place of this program.
int ask_broker(const char* what, const char* flag, const Arguments& arguments, const Context& context) {
  const auto program = bench::broker_program();
  if (!program) return complain(what, program.error());
  std::vector<std::string> command{*program, flag, "--format", context.format == Format::kJson ? "json" : "text"};
  if (arguments.positionals().empty()) command.push_back("--dev");
  else command.insert(command.end(), {"--config", arguments.positionals()[0]});
  for (const std::string& set : arguments.texts("set")) command.insert(command.end(), {"--set", set});
  return complain(what, become(command));
}

int config_check(const Arguments& arguments, const Context& context) { return ask_broker("config check", "--check-config", arguments, context); }
int config_print(const Arguments& arguments, const Context& context) { return ask_broker("config print", "--print-settings", arguments, context); }

}  // namespace

std::span<const Command> commands_in_config() {
  static constexpr Command kCommands[] = {
      {320, "config check", "[FILE]", "Whether a broker would start with this configuration.", declare_config, config_check},
      {321, "config print", "[FILE]", "Each setting that a broker would use, and who said it.", declare_config, config_print},
  };
  return kCommands;
}

}  // namespace ion::cli
