// get: records by their ids.
#include <optional>

#include "command.h"
#include "core/record_format.h"

namespace ion::cli {
namespace {

constexpr size_t kIdsMax = 10'000;
constexpr size_t kOutputBytes = 1 << 20;

Result<Uuid> id_of(const std::string& text) {
  auto id = message_id::from_text(text);
  if (!id) return usage(id.error().message());
  if (const auto parts = message_id::parse(*id); !parts) return usage(parts.error().message());
  return id;
}

Status print(client::FoundRecord& found, const std::optional<OutputFormat>& format, uint64_t number, std::string& to) {
  ION_TRY(const std::optional<batch::Record> record, found.records.next());
  if (!record) return {ION_E_INTERNAL, "the broker answered without the record"};
  RecordView view = view_of(*record, found.records.batch());
  view.topic = found.topic, view.partition = found.records.partition(), view.log = found.records.log(), view.number = number;
  if (format) format->write(view, to);
  else append_json_line(view, to);
  return {};
}

void declare_get(OptionSet& options) {
  options.positionals(1, kIdsMax).value("format,f", "of a record: json (a line each), or text with the fields below", "json").notes("Fields of -f, with text between them:\n" + fields_help(FormatUse::kWritten));
}

int get(const Arguments& arguments, const Context& context) {
  std::optional<OutputFormat> format;  // none: JSON lines
  if (arguments.text("format") != "json") {
    auto parsed = OutputFormat::parse(arguments.text("format"));
    if (!parsed) return complain("get", usage(parsed.error().message()));
    format = *std::move(parsed);
  }
  std::vector<Uuid> ids;
  for (const std::string& text : arguments.positionals()) {
    const auto id = id_of(text);
    if (!id) return complain("get", id.error());
    ids.push_back(*id);
  }
  auto client = connect(context);
  if (!client) return complain("get", client.error());
  std::string output;
  size_t failed = 0;
  uint64_t number = 0;
  int worst = kDone;
  for (const Uuid& id : ids) {
    auto found = client->get_record(id, context.timeout);
    const Status status = found ? print(*found, format, ++number, output) : found.error();
    if (!status.ok()) ++failed, worst = std::max(worst, complain("get " + id.text(), status));
    if (output.size() < kOutputBytes) continue;
    if (const int code = deliver("get", output); code != kDone) return code;
    output.clear();
  }
  const int code = worst == kNotAllowed || worst == kNoBroker ? worst : exit_of(failed, ids.size());
  return deliver("get", output, code);
}

}  // namespace

std::span<const Command> commands_in_get() {
  static constexpr Command kCommands[] = {
      {220, "get", "ID...", "Prints the records with these ids.", declare_get, get},
  };
  return kCommands;
}

}  // namespace ion::cli
