#include "command.h"

#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <tuple>

#include "event_teller.h"
#include "process.h"

namespace ion::cli {

#define X(name) std::span<const Command> commands_in_##name();
#include <ion_command_files.inc>
#undef X

const std::vector<Command>& command_table() {
  static const std::vector<Command> kAll = [] {
    std::vector<Command> all;
    const auto add = [&](std::span<const Command> rows) { all.insert(all.end(), rows.begin(), rows.end()); };
#define X(name) add(commands_in_##name());
#include <ion_command_files.inc>
#undef X
    std::sort(all.begin(), all.end(), [](const Command& a, const Command& b) { return std::tie(a.rank, a.words) < std::tie(b.rank, b.words); });
    return all;
  }();
  return kAll;
}

namespace {
// Foreign words may hold what a terminal would obey; the lines of a mistake in a format stay.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) out += fmt::format("\\x{:02x}", byte);
    else out += c;
  }
  return out;
}
}  // namespace

int complain(std::string_view what, const Status& why) {
  if (why.reason() == kUsage) {
    say(printable(fmt::format("ion: {}: {}\n", what, why.message())));
    return kUsageError;
  }
  say(printable(fmt::format("ion: {}: {}{}{}: {}\n", what, code_name(why.code()), why.reason().empty() ? "" : " ", why.reason(), why.message())));
  if (why.code() == ION_E_UNAUTHENTICATED || why.code() == ION_E_FORBIDDEN) return kNotAllowed;
  return why.reason() == "UNREACHABLE" ? kNoBroker : kFailed;
}

int deliver(std::string_view what, std::string_view text, int code) {
  const Status written = write_all(text);
  if (written.ok() || written.reason() == kPipeClosed) return code;
  const int failed = complain(what, written);
  return code == kDone || code == kSomeFailed ? failed : code;
}

int exit_of(size_t failed, size_t all) {
  if (failed == 0) return kDone;
  return failed == all ? kFailed : kSomeFailed;
}

EndedBySignal::EndedBySignal(const Interrupts& interrupts)
    : thread_([this, &interrupts] {
        pollfd events[2] = {{over_.fd(), POLLIN, 0}, {interrupts.fd(), POLLIN, 0}};
        while (::poll(events, 2, -1) < 0) continue;
        if (events[0].revents == 0) ::_exit(kInterrupted);
      }) {}
EndedBySignal::~EndedBySignal() {
  over_.raise();
  thread_.join();
}

Result<client::Client> connect(const Context& context) {
  ION_CHECK(room_for_a_client());
  client::ClientOptions options;
  options.brokers = context.brokers;
  options.connect_timeout = context.timeout;
  options.on_event = [events = context.events](const client::ClientEvent& event) { events->tell(event); };
  auto client = client::Client::connect(options);
  if (client || client.error().code() == ION_E_INVALID) return client;
  const Status& why = client.error();
  const bool not_allowed = why.code() == ION_E_UNAUTHENTICATED || why.code() == ION_E_FORBIDDEN;
  return Status(why.code(), fmt::format("no broker of {} answered: {}", fmt::join(context.brokers, ","), why.message()),
                not_allowed ? why.reason() : "UNREACHABLE");
}

}  // namespace ion::cli
