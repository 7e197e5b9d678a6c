// One command of `ion`: its words, its help, what it understands and what it does. A file NAME.cpp in commands/
// has a row for each of its commands and ends with commands_in_NAME(), which answers them; nothing else has to know it.
// A command writes data to stdout and everything else to stderr, and answers an exit code of this list.
#pragma once
#include <ion/client/client.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "options.h"
#include "process.h"
#include "renderers.h"

namespace ion::cli {

class EventTeller;

// The same for every command; scripts rely on them.
enum Exit : int { kDone = 0, kFailed = 1, kUsageError = 2, kSomeFailed = 3, kNotAllowed = 4, kNoBroker = 5, kInterrupted = 130 };

// What stands before or behind every command.
struct Context {
  std::vector<std::string> brokers;
  Nanos timeout = seconds(10);
  Format format = Format::kText;
  std::shared_ptr<EventTeller> events;  // of every client of the command, whose library may outlive it
};

struct Command {
  int rank;                  // place in the help: 100 topics, 200 records, 300 the broker, 400 bench, 900 this program
  std::string_view words;    // "topic create"
  std::string_view synopsis; // "NAME..."
  std::string_view help;     // one sentence
  void (*declare)(OptionSet& options);  // null: no options of its own
  int (*run)(const Arguments& arguments, const Context& context);
};

// All, by rank.
const std::vector<Command>& command_table();

// One line on stderr: `ion: WHAT: CODE REASON: words`. Answers the exit code that belongs to it.
int complain(std::string_view what, const Status& why);
// Writes a command's answer to stdout. Answers `code`, or kFailed after a complaint when it could not be written, unless `code` says
// kNotAllowed or kNoBroker; a closed pipe is no failure: whoever reads has enough.
int deliver(std::string_view what, std::string_view text, int code = kDone);
// For commands over many names.
int exit_of(size_t failed, size_t all);
// Between connecting and the first record nothing is done that a signal could cut in two: while this lives, one ends the process with
// kInterrupted. Afterwards `interrupts` is the command's to look at.
class EndedBySignal {
 public:
  explicit EndedBySignal(const Interrupts& interrupts);
  ~EndedBySignal();
  EndedBySignal(const EndedBySignal&) = delete;
  EndedBySignal& operator=(const EndedBySignal&) = delete;

 private:
  Flag over_;
  std::thread thread_;
};
// The client, or the broker's silence after the timeout, with the addresses that were tried.
Result<client::Client> connect(const Context& context);

}  // namespace ion::cli
