// ion: the command line of IonStream. Reads what stands before the command, finds the command, runs it.
#include <fmt/format.h>
#include <ion/client/address.h>
#include <ion/suggestion.h>
#include <ion/units.h>
#include <process/limits.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "command.h"
#include "event_teller.h"
#include "process.h"

namespace {

using namespace ion::cli;

constexpr const char* kStandardBroker = "127.0.0.1:9640";
constexpr size_t kWordsMax = 2;  // "topic create"

void declare_globals(OptionSet& options) {
  options.value("brokers", "brokers to ask, HOST:PORT,...; else $ION_BROKERS, else 127.0.0.1:9640");
  options.value("timeout", "how long to wait for a broker; else 10s");
  if (!options.has("format")) options.value("format", "of the answer: text or json");
  options.flag("verbose,v", "say on stderr who is asked and how long it took");
  options.flag("help,h", "this text");
}
void declare_leading(OptionSet& options) {
  declare_globals(options);
  options.flag("version", "the version of this program");
}

// The options before the command end at the first word that is neither one nor the value of one.
size_t leading(const std::vector<std::string>& all) {
  size_t i = 0;
  for (; i < all.size() && all[i].starts_with('-'); ++i)
    if (all[i] == "--brokers" || all[i] == "--timeout" || all[i] == "--format") ++i;
  return std::min(i, all.size());
}

struct Found {
  const Command* command = nullptr;
  size_t words = 0;
};
Found find_command(const std::vector<std::string>& rest) {
  for (size_t n = std::min(kWordsMax, rest.size()); n > 0; --n) {
    const std::string words = n == 1 ? rest[0] : rest[0] + " " + rest[1];
    for (const Command& c : command_table())
      if (c.words == words) return {&c, n};
  }
  return {};
}

std::string commands_of(const std::string& area) {
  std::string text = "commands\n";
  for (const Command& c : command_table())
    if (area.empty() || c.words.starts_with(area + " "))
      text += fmt::format("  {:<40} {}\n", fmt::format("{} {}", c.words, c.synopsis), c.help);
  return text;
}

std::string overview(const std::string& area) {
  OptionSet globals;
  declare_leading(globals);
  std::string text = "usage: ion [option...] command [option...]\n\n" + commands_of(area);
  text += "\n" + globals.help();
  text += "\nenvironment (ION_SECTION__KEY is the broker's)\n  ION_BROKERS  HOST:PORT,... where --brokers is not given\n"
          "  ION_BROKERD  the ionstreamd that bench and config start; else the one beside ion\n";
  return text + "\nion COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 usage, 3 some failed, 4 not allowed, 5 no broker in time.\n";
}

// What to do instead of words that are no command: the nearest one, and where the first word stands, those that begin with it.
std::string unknown_command(const std::vector<std::string>& rest, bool area_known) {
  const bool two = rest.size() > 1 && !rest[1].starts_with('-');
  const std::string typed = two ? rest[0] + " " + rest[1] : rest[0];
  if (area_known && !two) return fmt::format("ion: {}: which one?\n{}", typed, commands_of(rest[0]));
  std::vector<std::string> words;
  for (const Command& c : command_table()) words.emplace_back(c.words);
  std::string near = ion::nearest(typed, words);
  if (near.empty()) near = ion::nearest(rest[0], words);
  return fmt::format("ion: unknown command \"{}\"; {}\n{}", typed, near.empty() ? "ion --help lists all" : fmt::format("did you mean \"{}\"?", near),
                     area_known ? commands_of(rest[0]) : std::string());
}

// In produce and consume --format is the record's; the answer's then stands before the command.
enum class FormatOf { kAnswer, kRecord };

ion::Result<Context> context_of(const Arguments& before, const Arguments& behind, FormatOf own) {
  const auto given = [&](const std::string& name) -> const std::string& { return behind.has(name) ? behind.text(name) : before.text(name); };
  Context context;
  context.events = std::make_shared<EventTeller>();
  std::string brokers = given("brokers"), said_by = "--brokers";
  if (const char* variable = std::getenv("ION_BROKERS"); brokers.empty() && variable != nullptr) brokers = variable, said_by = "$ION_BROKERS";
  if (brokers.empty()) brokers = kStandardBroker;
  ION_TRY(context.brokers, split_list(said_by, brokers));
  for (const std::string& broker : context.brokers)
    if (const auto address = ion::client::parse_address(broker); !address) return usage(said_by + ": " + address.error().message());
  if (const std::string& timeout = given("timeout"); !timeout.empty()) {
    const auto parsed = ion::parse_duration(timeout);
    if (!parsed) return usage("--timeout: " + parsed.error().message());
    if (*parsed < ion::milliseconds(1) || *parsed > ion::client::kTimeoutMax)
      return usage(fmt::format("--timeout: want 1ms to {}, have {}", ion::duration_text(ion::client::kTimeoutMax), timeout));
    context.timeout = *parsed;
  }
  const std::string& format = own == FormatOf::kRecord ? before.text("format") : given("format");
  if (!format.empty() && format != "text" && format != "json") return usage(fmt::format("--format: want text or json, have \"{}\"", format));
  context.format = format == "json" ? Format::kJson : Format::kText;
  return context;
}

int run(const Command& command, const Arguments& before, const std::vector<std::string>& rest) {
  OptionSet options;
  if (command.declare != nullptr) command.declare(options);
  const FormatOf format = options.has("format") ? FormatOf::kRecord : FormatOf::kAnswer;
  declare_globals(options);
  options.synopsis(command.synopsis);
  const std::string named = command.synopsis.empty() ? std::string(command.words) : fmt::format("{} {}", command.words, command.synopsis);
  const auto arguments = options.parse(rest);
  if (arguments && arguments->has("help")) {
    return deliver(command.words, fmt::format("usage: ion {} [option...]\n{}\n\n{}", named, command.help, options.help()));
  }
  if (!arguments) {
    const int code = complain(command.words, arguments.error());
    say(fmt::format("usage: ion {} [option...]; ion {} --help says more\n", named, command.words));
    return code;
  }
  const auto context = context_of(before, *arguments, format);
  if (!context) return complain(command.words, context.error());
  const auto began = std::chrono::steady_clock::now();
  const bool verbose = before.has("verbose") || arguments->has("verbose");
  if (verbose) say(fmt::format("ion: brokers {}, timeout {} ms\n", fmt::join(context->brokers, ","), context->timeout.n / 1'000'000));
  const int code = command.run(*arguments, *context);
  context->events->finish();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  if (verbose) say(fmt::format("ion: {} took {} ms, exit {}\n", command.words, took.count(), code));
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_files();
  ion::process::ignore_write_signals();
  if (const ion::Status enough = ion::process::check_stack(); !enough.ok()) {
    say(fmt::format("ion: {}\n", enough.text()));
    return kFailed;
  }
  say_why_it_ends();
  ion::process::keep_freed_memory();
  const std::vector<std::string> all(argv + 1, argv + argc);
  const size_t split = leading(all);
  OptionSet globals;
  declare_leading(globals);
  const auto before = globals.parse({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(split)});
  if (!before) return complain("options", before.error());
  std::vector<std::string> rest(all.begin() + static_cast<std::ptrdiff_t>(split), all.end());
  if (before->has("version")) rest = {"version"};
  const bool help_word = !rest.empty() && rest[0] == "help";
  if (help_word) rest.erase(rest.begin());
  const bool help = help_word || before->has("help");
  const Found found = find_command(rest);
  if (found.command != nullptr) {
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(found.words));
    if (help) rest.push_back("--help");
    return run(*found.command, *before, rest);
  }
  const std::string area = rest.empty() || rest[0].starts_with('-') ? "" : rest[0];
  const bool known = area.empty() || std::any_of(command_table().begin(), command_table().end(), [&](const Command& c) { return c.words.starts_with(area + " "); });
  const bool asked = help || std::find(rest.begin(), rest.end(), "--help") != rest.end() || std::find(rest.begin(), rest.end(), "-h") != rest.end();
  if (asked && known) return deliver("help", overview(area));
  if (rest.empty()) say(overview(""));
  else say(unknown_command(rest, known && !area.empty()));
  return kUsageError;
}
