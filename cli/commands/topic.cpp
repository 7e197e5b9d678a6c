// topic create, alter, add-partitions, trim, repair, list, describe, delete.
#include <fmt/format.h>

#include <ion/units.h>

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <iostream>

#include "command.h"
#include "process.h"

namespace ion::cli {

namespace {

using client::TopicView;

constexpr uint64_t kPartitionsMax = INT32_MAX, kReplicasMax = INT16_MAX;  // what a number of the protocol holds; the broker says its own limits
constexpr size_t kNamesMax = 10'000;

// JSON says all settings; the text of a list only those that somebody made.
enum class Settings { kMade, kAll };
std::vector<Pair> config_of(const TopicView& topic, Settings which) {
  std::vector<Pair> pairs;
  for (const client::Setting& s : topic.config) {
    const bool shown = which == Settings::kAll || s.origin == client::Setting::Origin::kUser;
    pairs.push_back({s.key, s.value, shown ? Column::Shown::kAlways : Column::Shown::kInJson});
  }
  return pairs;
}

std::vector<Column> topic_columns() {
  return {{"name"}, {"partitions"}, {"ready"}, {"replicas"}, {"config"}, {"uuid", Unit::kNone, Column::Shown::kInJson}};
}
std::vector<Cell> topic_row(const TopicView& t, Settings which = Settings::kMade) {
  const auto ready = std::count_if(t.partitions.begin(), t.partitions.end(), [](const auto& p) { return p.health == ION_OK; });
  return {t.name, static_cast<uint64_t>(t.partitions.size()), static_cast<uint64_t>(ready), uint64_t{t.replication}, config_of(t, which), t.uuid};
}

Cell offset_cell(const std::optional<Offset>& offset) { return offset ? Cell(offset->v) : Cell(); }

Table partition_table(const TopicView& topic) {
  Table table{{{"partition"}, {"leader"}, {"leader_epoch"}, {"replicas"}, {"log_start"}, {"high_watermark"}, {"bytes", Unit::kBytes}, {"health"}, {"damaged"}}, {}};
  for (const client::PartitionView& p : topic.partitions) {
    std::vector<uint64_t> replicas;
    for (const NodeId node : p.replicas) replicas.push_back(node.v);
    table.rows.push_back({int64_t{p.partition.v}, p.leader.v, int64_t{p.leader_epoch.v}, std::move(replicas), offset_cell(p.log_start),
                          offset_cell(p.high_watermark), p.bytes, std::string(code_name(p.health)),
                          p.damaged ? Cell(fmt::format("{}:{}", p.damaged->from.v, p.damaged->upto.v)) : Cell()});
  }
  return table;
}

// "topic delete orders, payments" as complaints name it.
std::string about(std::string_view deed, const std::string& name) { return fmt::format("topic {} {}", deed, name); }

// What one name came to, as the last columns of every mutation say it.
struct Tally {
  Table table;
  size_t failed = 0;
  int worst = kDone;

  void good(std::vector<Cell> row) {
    row.insert(row.end(), {Cell(), Cell()});
    table.rows.push_back(std::move(row));
  }
  void bad(std::string_view deed, const std::string& name, const Status& why) {
    worst = std::max(worst, complain(about(deed, name), why));
    ++failed;
    std::vector<Cell> row(table.columns.size());
    row[0] = name;
    row[row.size() - 2] = std::string(code_name(why.code()));
    row[row.size() - 1] = why.message();
    table.rows.push_back(std::move(row));
  }
  int finish(std::string_view what, const Context& context) const {
    const int code = worst == kNotAllowed || worst == kNoBroker ? worst : exit_of(failed, table.rows.size());
    return failed < table.rows.size() || context.format == Format::kJson ? deliver(what, render(table, context.format), code) : code;
  }
};

bool confirmed(const std::string& deed) {
  say(deed + " Go on? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes" || answer == "Y";
}

void declare_topic_create(OptionSet& options) {
  options.positionals(1, kNamesMax)
      .value("partitions,p", "how many partitions; else the broker's default")
      .value("replicas,r", "how many replicas; else the broker's default")
      .values("config,c", "KEY=VALUE of the topic, as in durability=os; may be repeated")
      .flag("if-not-exists", "a topic that is there already is no error")
      .flag("dry-run", "only check whether it could be made; nothing is");
}

int topic_create(const Arguments& arguments, const Context& context) {
  client::NewTopic wanted;
  const auto partitions = arguments.has("partitions") ? arguments.count("partitions", kPartitionsMax) : Result<uint64_t>(uint64_t{0});
  const auto replicas = arguments.has("replicas") ? arguments.count("replicas", kReplicasMax) : Result<uint64_t>(uint64_t{0});
  const auto config = arguments.settings("config");
  if (!partitions) return complain("topic create", partitions.error());
  if (!replicas) return complain("topic create", replicas.error());
  if (!config) return complain("topic create", config.error());
  if (arguments.has("partitions") && *partitions == 0) return complain("topic create", usage("--partitions: at least 1"));
  if (arguments.has("replicas") && *replicas == 0) return complain("topic create", usage("--replicas: at least 1"));
  wanted.partitions = static_cast<uint32_t>(*partitions);
  wanted.replication = static_cast<uint32_t>(*replicas);
  wanted.config = *config;
  wanted.mode = arguments.has("dry-run") ? client::NewTopic::Mode::kDryRun : client::NewTopic::Mode::kCreate;
  auto client = connect(context);
  if (!client) return complain("topic create", client.error());
  Tally tally;
  tally.table.columns = topic_columns();
  tally.table.columns.insert(tally.table.columns.end(), {{"result"}, {"error"}, {"message"}});
  const bool dry = arguments.has("dry-run");
  for (const std::string& name : arguments.positionals()) {
    wanted.name = name;
    std::string result = dry ? "not created (dry run)" : "created";
    auto made = client->admin().create_topic(wanted, context.timeout);
    if (!made && made.error().code() == ION_E_EXISTS && arguments.has("if-not-exists")) {
      made = client->admin().describe_topic(name, context.timeout);
      result = "exists";
    }
    if (!made) {
      tally.bad("create", name, made.error());
      continue;
    }
    std::vector<Cell> row = topic_row(*made);
    if (dry && result != "exists") row[2] = Cell();  // nothing is there that could be ready
    row.emplace_back(std::move(result));
    tally.good(std::move(row));
  }
  if (dry) say("ion: topic create: a dry run, nothing was created\n");
  return tally.finish("topic create", context);
}

void declare_topic_alter(OptionSet& options) {
  options.positionals(1, kNamesMax)
      .values("config,c", "KEY=VALUE from now on, as in retention.ms=7d; may be repeated")
      .values("unset,u", "KEY that has the broker's default from now on; may be repeated")
      .flag("dry-run", "only check, and show what the settings would be");
}

int topic_alter(const Arguments& arguments, const Context& context) {
  client::TopicChange change;
  const auto set = arguments.settings("config");
  if (!set) return complain("topic alter", set.error());
  change.set = *set;
  const auto unset = arguments.list("unset");
  if (!unset) return complain("topic alter", unset.error());
  change.unset = *unset;
  if (change.set.empty() && change.unset.empty()) return complain("topic alter", usage("nothing to change: -c KEY=VALUE sets, -u KEY sets back"));
  const bool dry = arguments.has("dry-run");
  change.mode = dry ? client::TopicChange::Mode::kDryRun : client::TopicChange::Mode::kAlter;
  auto client = connect(context);
  if (!client) return complain("topic alter", client.error());
  Tally tally{{{{"name"}, {"config"}, {"error"}, {"message"}}, {}}};
  for (const std::string& name : arguments.positionals()) {
    change.name = name;
    const auto altered = client->admin().alter_topic(change, context.timeout);
    if (altered) tally.good({name, config_of(*altered, Settings::kAll)});
    else tally.bad("alter", name, altered.error());
  }
  if (dry) say("ion: topic alter: a dry run, nothing was changed\n");
  return tally.finish("topic alter", context);
}

void declare_topic_add_partitions(OptionSet& options) {
  options.positionals(1, kNamesMax)
      .value("partitions,p", "how many the topic has afterwards")
      .flag("dry-run", "only check whether they could be added");
}

// Keys move: what is said here is what a producer with keys must know.
int topic_add_partitions(const Arguments& arguments, const Context& context) {
  if (!arguments.has("partitions")) return complain("topic add-partitions", usage("-p N is missing: how many partitions the topic has afterwards"));
  const auto wanted = arguments.count("partitions", kPartitionsMax);
  if (!wanted) return complain("topic add-partitions", wanted.error());
  if (*wanted == 0) return complain("topic add-partitions", usage("--partitions: at least 1"));
  const bool dry = arguments.has("dry-run");
  auto client = connect(context);
  if (!client) return complain("topic add-partitions", client.error());
  Tally tally;
  tally.table.columns = topic_columns();
  tally.table.columns.insert(tally.table.columns.end(), {{"error"}, {"message"}});
  for (const std::string& name : arguments.positionals()) {
    const auto altered = client->admin().add_partitions(name, static_cast<uint32_t>(*wanted), dry ? client::TopicChange::Mode::kDryRun : client::TopicChange::Mode::kAlter, context.timeout);
    if (altered) tally.good(topic_row(*altered));
    else tally.bad("add-partitions", name, altered.error());
  }
  if (dry) say("ion: topic add-partitions: a dry run, nothing was changed\n");
  else if (tally.failed < tally.table.rows.size()) say("ion: topic add-partitions: records with a key may go to another partition than before; producers and readers that run find the new partitions within half a minute\n");
  return tally.finish("topic add-partitions", context);
}

void declare_topic_trim(OptionSet& options) {
  options.positionals(1, 1)
      .value("partition,p", "the partition")
      .value("before", "the first offset that is kept, or \"end\": all records go")
      .flag("yes,y", "do not ask");
}

Result<std::optional<Offset>> trim_before(const std::string& text) {
  if (text == "end") return std::optional<Offset>();
  const auto offset = parse_count(text);
  if (!offset || *offset > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return usage("--before: want an offset or \"end\", have \"" + text + "\"");
  return std::optional<Offset>(Offset{static_cast<int64_t>(*offset)});
}

int topic_trim(const Arguments& arguments, const Context& context) {
  if (!arguments.has("partition")) return complain("topic trim", usage("-p N is missing: the partition whose records go"));
  if (!arguments.has("before")) return complain("topic trim", usage("--before OFFSET is missing: the first offset that is kept, or \"end\""));
  const auto partition = arguments.count("partition", std::numeric_limits<int32_t>::max());
  if (!partition) return complain("topic trim", partition.error());
  const auto before = trim_before(arguments.text("before"));
  if (!before) return complain("topic trim", before.error());
  const std::string& name = arguments.positionals()[0];
  if (!arguments.has("yes")) {
    if (::isatty(STDIN_FILENO) == 0) return complain("topic trim", usage("there is no terminal to ask on; -y confirms"));
    if (!confirmed(fmt::format("This deletes the records of {} partition {} before {}.", name, *partition, *before ? std::to_string((*before)->v) : "its end")))
      return complain("topic trim", usage("not confirmed, nothing was deleted"));
  }
  auto client = connect(context);
  if (!client) return complain("topic trim", client.error());
  const auto start = client->admin().trim_topic(name, {static_cast<int32_t>(*partition)}, *before, context.timeout);
  if (!start) return complain(about("trim", name), start.error());
  const Table table{{{"name"}, {"partition"}, {"log_start"}}, {{name, static_cast<int64_t>(*partition), start->v}}};
  return deliver("topic trim", render(table, context.format));
}

void declare_topic_repair(OptionSet& options) {
  options.positionals(1, 1)
      .value("partition,p", "the partition")
      .flag("accept-loss", "go on without what is lost; else it is only told")
      .flag("yes,y", "do not ask");
}

constexpr Nanos kRepairTimeout = seconds(600);  // at least: all of the partition is read

// At most so many; exactly, as far as the rest of the partition shows.
uint64_t lost_records(const client::RepairView& view) {
  uint64_t n = 0;
  for (const client::LostPart& part : view.lost) n += static_cast<uint64_t>(part.upto - part.from);
  return n;
}

int tell_repair(const std::string& name, uint64_t partition, const client::RepairView& view, const Context& context) {
  Table lost{{{"from"}, {"upto"}, {"records_max"}}, {}};
  for (const client::LostPart& part : view.lost) lost.rows.push_back({part.from.v, part.upto.v, static_cast<uint64_t>(part.upto - part.from)});
  Table table{{{"name"}, {"partition"}, {"state"}, {"lost_parts"}, {"lost_records_max"}, {"lost_records_exact"}, {"lost_bytes", Unit::kBytes}, {"log_start"}, {"next"}, {"records_left"}, {"bytes_left", Unit::kBytes}},
              {}};
  table.columns.push_back({"lost_rows", Unit::kNone, Column::Shown::kAlways, "lost"});
  const char* const state = view.repaired ? "repaired" : view.lost_parts > 0 ? "damaged" : "whole";
  table.rows.push_back({name, static_cast<int64_t>(partition), std::string(state), view.lost_parts, lost_records(view), std::string(view.dense || view.lost_parts == 0 ? "yes" : "no"), view.lost_bytes, view.log_start.v, view.next.v,
                        view.records_left, view.bytes_left, std::vector<Table>{std::move(lost)}});
  if (view.lost_parts > view.lost.size()) say(fmt::format("ion: topic repair: {} further parts are lost and not listed\n", view.lost_parts - view.lost.size()));
  return deliver("topic repair", render(table, context.format));
}

int topic_repair(const Arguments& arguments, const Context& context) {
  if (!arguments.has("partition")) return complain("topic repair", usage("-p N is missing: the partition"));
  const auto partition = arguments.count("partition", std::numeric_limits<int32_t>::max());
  if (!partition) return complain("topic repair", partition.error());
  const bool accept = arguments.has("accept-loss"), asks = accept && !arguments.has("yes");
  if (asks && ::isatty(STDIN_FILENO) == 0) return complain("topic repair", usage("there is no terminal to ask on; -y confirms"));
  const std::string& name = arguments.positionals()[0];
  const Nanos timeout = std::max(context.timeout, kRepairTimeout);
  auto client = connect(context);
  if (!client) return complain("topic repair", client.error());
  const auto repair = [&](client::Loss loss) { return client->admin().repair_topic(name, {static_cast<int32_t>(*partition)}, loss, timeout); };
  if (!accept || asks) {
    const auto found = repair(client::Loss::kOnlyTell);
    if (!found) return complain(about("repair", name), found.error());
    if (!accept) {
      const int code = tell_repair(name, *partition, *found, context);
      if (found->lost_parts > 0) say("ion: topic repair: a dry run, nothing was changed; with --accept-loss the partition goes on without what is lost\n");
      return code;
    }
    (void)tell_repair(name, *partition, *found, context);
    if (!confirmed(fmt::format("This gives up {}{} records of {} partition {} for good; {} stay.", found->dense ? "" : "at most ", lost_records(*found), name, *partition, found->records_left)))
      return complain("topic repair", usage("not confirmed, nothing was changed"));
  }
  const auto repaired = repair(client::Loss::kAccept);
  if (!repaired) return complain(about("repair", name), repaired.error());
  return tell_repair(name, *partition, *repaired, context);
}

void declare_topic_list(OptionSet& options) { options.positionals(0, 1); }

int topic_list(const Arguments& arguments, const Context& context) {
  auto client = connect(context);
  if (!client) return complain("topic list", client.error());
  const auto topics = client->admin().list_topics(arguments.positionals().empty() ? "" : arguments.positionals()[0], context.timeout);
  if (!topics) return complain("topic list", topics.error());
  Table table{topic_columns(), {}};
  for (const TopicView& t : *topics) table.rows.push_back(topic_row(t));
  return deliver("topic list", render(table, context.format));
}

void declare_topic_describe(OptionSet& options) { options.positionals(1, kNamesMax); }

int topic_describe(const Arguments& arguments, const Context& context) {
  auto client = connect(context);
  if (!client) return complain("topic describe", client.error());
  Table table{topic_columns(), {}};
  table.columns.push_back({"partition_rows", Unit::kNone, Column::Shown::kAlways, "partitions"});
  size_t failed = 0;
  int worst = kDone;
  for (const std::string& name : arguments.positionals()) {
    const auto topic = client->admin().describe_topic(name, context.timeout);
    if (!topic) {
      ++failed;
      worst = std::max(worst, complain(about("describe", name), topic.error()));
      continue;
    }
    table.rows.push_back(topic_row(*topic, Settings::kAll));
    table.rows.back().push_back(std::vector<Table>{partition_table(*topic)});
  }
  const int code = worst == kNotAllowed || worst == kNoBroker ? worst : exit_of(failed, arguments.positionals().size());
  return table.rows.empty() ? code : deliver("topic describe", render(table, context.format), code);
}

void declare_topic_delete(OptionSet& options) { options.positionals(1, kNamesMax).flag("yes,y", "do not ask"); }

int topic_delete(const Arguments& arguments, const Context& context) {
  if (!arguments.has("yes")) {
    if (::isatty(STDIN_FILENO) == 0) return complain("topic delete", usage("there is no terminal to ask on; -y confirms"));
    const auto& names = arguments.positionals();
    if (!confirmed(fmt::format("This deletes {} and all records in {}.", fmt::join(names, ", "), names.size() == 1 ? "it" : "them"))) return complain("topic delete", usage("not confirmed, nothing was deleted"));
  }
  auto client = connect(context);
  if (!client) return complain("topic delete", client.error());
  Tally tally{{{{"name"}, {"error"}, {"message"}}, {}}};
  for (const std::string& name : arguments.positionals()) {
    const Status gone = client->admin().delete_topic(name, context.timeout);
    if (gone.ok()) tally.good({name});
    else tally.bad("delete", name, gone);
  }
  return tally.finish("topic delete", context);
}

}  // namespace

std::span<const Command> commands_in_topic() {
  static constexpr Command kCommands[] = {
      {100, "topic create", "NAME...", "Makes topics.", declare_topic_create, topic_create},
      {104, "topic alter", "NAME...", "Changes settings.", declare_topic_alter, topic_alter},
      {105, "topic add-partitions", "NAME...", "Gives topics more partitions.", declare_topic_add_partitions, topic_add_partitions},
      {106, "topic trim", "NAME", "Deletes the oldest records of a partition.", declare_topic_trim, topic_trim},
      {107, "topic repair", "NAME", "Says what of a partition is lost, or goes on without it.", declare_topic_repair, topic_repair},
      {101, "topic list", "[PREFIX]", "All topics, or those whose name begins so.", declare_topic_list, topic_list},
      {102, "topic describe", "NAME...", "Settings and partitions.", declare_topic_describe, topic_describe},
      {103, "topic delete", "NAME...", "Deletes topics and their records.", declare_topic_delete, topic_delete},
  };
  return kCommands;
}

}  // namespace ion::cli
