// The version of this program.
#include <fmt/format.h>

#include "command.h"

namespace ion::cli {
namespace {

int version(const Arguments&, const Context& context) {
  Table table{{{"program"}, {"version"}}, {{std::string("ion"), std::string(ION_VERSION)}}, Table::Shape::kOne};
  return deliver("version", context.format == Format::kJson ? render(table, context.format) : fmt::format("ion {}\n", ION_VERSION));
}

}  // namespace

std::span<const Command> commands_in_version() {
  static constexpr Command kCommands[] = {
      {900, "version", "", "The version of this program.", nullptr, version},
  };
  return kCommands;
}

}  // namespace ion::cli
