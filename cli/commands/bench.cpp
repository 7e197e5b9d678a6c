// bench: the same load against the broker, a broker that stores nothing, and a raw gRPC stream, in one run.
#include <fmt/format.h>
#include <ion/client/address.h>
#include <ion/units.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "bench/file_ceiling.h"
#include "bench/null_broker.h"
#include "bench/raw_stream.h"
#include "bench/report.h"
#include "command.h"
#include "log_bounds.h"
#include "process.h"

namespace ion::cli {

namespace {

constexpr uint64_t kRecordBytesMax = 16 << 20, kRecordsMax = 1'000'000'000'000, kClientsMax = 1024, kPartitionsMax = 100'000;
constexpr Nanos kLingerMax = seconds(60);  // half of what a record has for its delivery
constexpr uint64_t kSampleBatches = 32;  // what the null broker is given, so that it serves batches of this shape
constexpr uint64_t kRawMessagesMin = 32, kRawMessagesMax = 500'000;
constexpr uint32_t kRounds = 3;
constexpr uint64_t kConnections = 4;
constexpr uint64_t kRoundRecordsMin = 20'000;  // below, a round would measure how it begins

struct Plan {
  bench::LoadShape shape;
  client::NewTopic topic;
  bool for_a_new_topic = false;  // -p or -c were given
  enum class Records { kAsked, kWhatIsThere } records = Records::kAsked;
  enum class Ceiling { kMeasured, kLeftOut } ceiling = Ceiling::kMeasured;
};

Result<Plan> plan_of(const Arguments& a) {
  Plan plan;
  plan.shape.topic = plan.topic.name = a.positionals()[0];
  ION_TRY(plan.shape.record_bytes, a.size("size"));
  ION_TRY(plan.shape.records, a.count("records", kRecordsMax));
  ION_TRY(const uint64_t clients, a.count("clients", kClientsMax));
  ION_TRY(plan.shape.batch_bytes, a.size("batch-bytes"));
  ION_TRY(plan.shape.linger, a.duration("linger"));
  if (plan.shape.linger > kLingerMax) return usage(fmt::format("--linger: want 0s to {}, have {}", duration_text(kLingerMax), a.text("linger")));
  ION_TRY(plan.shape.seed, a.count("seed", UINT64_MAX));
  ION_TRY(const uint64_t partitions, a.count("partitions", kPartitionsMax));
  ION_TRY(const auto config, a.settings("config"));
  if (plan.shape.record_bytes == 0 || plan.shape.record_bytes > kRecordBytesMax) return usage(fmt::format("--size: want 1 to 16MiB, have {}; the size is that of a record's value", a.text("size")));
  if (plan.shape.records == 0) return usage("--records: want at least 1, have 0");
  if (clients == 0) return usage("--clients: want at least 1, have 0");
  if (plan.shape.batch_bytes < 1024 || plan.shape.batch_bytes > kRecordBytesMax) return usage(fmt::format("--batch-bytes: want 1KiB to 16MiB, have {}", a.text("batch-bytes")));
  plan.shape.clients = static_cast<uint32_t>(clients);
  plan.shape.connections = static_cast<uint32_t>(std::min(clients, kConnections));
  if (a.has("connections")) {
    ION_TRY(const uint64_t connections, a.count("connections", kClientsMax));
    if (connections == 0) return usage("--connections: want at least 1, have 0");
    plan.shape.connections = static_cast<uint32_t>(std::min(clients, connections));
  }
  plan.for_a_new_topic = a.chosen("partitions") || a.has("config");
  plan.topic.partitions = static_cast<uint32_t>(partitions);
  plan.topic.config = config;
  const std::string& acks = a.text("acks");
  if (acks != "all" && acks != "leader" && acks != "none") return usage("--acks: want all, leader or none, have \"" + acks + "\"");
  plan.shape.acks = acks == "all" ? client::Acks::kAll : acks == "leader" ? client::Acks::kLeader : client::Acks::kNone;
  plan.shape.one_in_flight = a.has("one-in-flight");
  if (a.has("no-ceiling")) plan.ceiling = Plan::Ceiling::kLeftOut;
  if (!a.chosen("records")) plan.records = Plan::Records::kWhatIsThere;
  return plan;
}

void tell(const std::string& words) {
  if (::isatty(STDERR_FILENO) != 0) say(fmt::format("ion: bench: {}\n", words));
}

Result<uint64_t> records_in(client::Client& client, const std::string& topic, Nanos timeout) {
  ION_TRY(const auto bounds, bounds_of(client, topic, {}, timeout));
  int64_t records = 0;
  for (const LogBounds& b : bounds) records += b.error.ok() ? b.log.end - b.log.start : 0;
  return static_cast<uint64_t>(std::max<int64_t>(records, 0));
}

Result<client::TopicView> topic_of(client::Client& client, const Plan& plan, Nanos timeout) {
  auto topic = client.admin().describe_topic(plan.topic.name, timeout);
  if (topic) {
    ION_TRY(const uint64_t there, records_in(client, plan.topic.name, timeout));
    // Always told: who gave the name of a topic that is in use finds records of a benchmark in it.
    say(fmt::format("ion: bench produce {}: this topic is there already, with {} records; {} of this run are added{}\n", plan.topic.name, there, plan.shape.records,
                    plan.for_a_new_topic ? ", and -p and -c, which are for a new topic, are not applied" : ""));
    return topic;
  }
  if (topic.error().code() != ION_E_NOT_FOUND) return topic;
  ION_CHECK(client.admin().create_topic(plan.topic, timeout));
  return client.admin().describe_topic(plan.topic.name, timeout);
}

std::string durability_of(const client::TopicView& topic) {
  for (const client::Setting& s : topic.config)
    if (s.key == "durability") return s.value;
  return "unknown";
}

enum class Direction { kProduce, kConsume };

uint64_t bytes_of_batch(const bench::Figures& figures) { return std::max<uint64_t>(1, figures.bytes / std::max<uint64_t>(1, figures.batches)); }

// The raw stream's messages are as large as the broker's were, and as many.
Result<bench::Volume> raw_stream(Direction direction, const bench::Figures& real) {
  tell("the raw stream");
  ION_TRY(const std::string self, bench::sibling_program("ion"));
  ION_TRY(const bench::ServerProcess server, bench::ServerProcess::start({self, "bench", "serve-raw"}));
  const uint64_t bytes = bytes_of_batch(real);
  const uint64_t messages = std::clamp(real.bytes / bytes, kRawMessagesMin, kRawMessagesMax);
  if (direction == Direction::kConsume) {
    bench::ReceiveLoad load;
    load.request = bench::raw_fetch_request(messages, bytes);
    load.messages = messages, load.counted_from = bytes;
    ION_TRY(const bench::RawFigures figures, bench::run_receive(server.address(), load, {}));
    return bench::Volume{figures.bytes, figures.seconds};
  }
  bench::SendLoad load;
  load.payload.assign(bytes, 'x');
  load.messages = messages, load.window = bench::usual_window(bytes);
  ION_TRY(const bench::RawFigures figures, bench::run_send(server.address(), load, {}));
  return bench::Volume{figures.bytes, figures.seconds};
}

bool is_here(const std::string& broker) {
  const auto address = client::parse_address(broker);
  return address && address->is_loopback();
}

// Of this machine's files; nothing when the broker is elsewhere, or there is no space.
std::optional<bench::Volume> file_of_this_machine(const Context& context, const bench::Figures& load) {
  if (!std::all_of(context.brokers.begin(), context.brokers.end(), is_here)) return std::nullopt;
  tell("a file");
  std::error_code none;
  const auto written = bench::write_file({std::filesystem::temp_directory_path(none).string(), load.bytes, bytes_of_batch(load)});
  if (written) return bench::Volume{written->bytes, written->seconds};
  tell(written.error().message());
  return std::nullopt;
}

void add(std::optional<bench::Volume>& all, const std::optional<bench::Volume>& round) {
  if (!round) return;
  if (!all) all.emplace();
  all->bytes += round->bytes, all->seconds += round->seconds;
}

Result<bench::Figures> null_produce(bench::LoadShape shape) {
  tell("the null broker");
  ION_TRY(const bench::ServerProcess null, bench::ServerProcess::start_null_broker());
  return bench::run_produce({null.address()}, shape);
}

Result<bench::Figures> null_consume(bench::LoadShape shape) {
  tell("the null broker");
  ION_TRY(const bench::ServerProcess null, bench::ServerProcess::start_null_broker());
  bench::LoadShape sample = shape;
  sample.clients = 1, sample.one_in_flight = false, sample.acks = client::Acks::kAll;
  sample.records = std::max<uint64_t>(1, kSampleBatches * sample.batch_bytes / shape.record_bytes);
  ION_CHECK(bench::run_produce({null.address()}, sample));
  return bench::run_consume({null.address()}, shape);
}

Result<bench::Report> measure_produce(const Context& context, const Plan& plan) {
  ION_TRY(client::Client client, connect(context));
  ION_TRY(const client::TopicView topic, topic_of(client, plan, context.timeout));
  bench::Report report{"produce", plan.shape, durability_of(topic), {}, {}, {}, {}, 1};
  if (plan.ceiling == Plan::Ceiling::kLeftOut) {
    tell("the broker");
    ION_TRY(report.real, bench::run_produce(context.brokers, plan.shape));
    return report;
  }
  // All of them in turn, several times: what else the machine does meets them alike.
  const bool raw = !plan.shape.one_in_flight;
  report.rounds = raw && plan.shape.records >= kRounds * kRoundRecordsMin ? kRounds : 1;
  report.null_broker.emplace();
  for (uint32_t round = 0; round < report.rounds; ++round) {
    bench::LoadShape shape = plan.shape;
    shape.records = plan.shape.records / report.rounds + (round < plan.shape.records % report.rounds ? 1 : 0);
    ION_TRY(const bench::Figures null, null_produce(shape));
    if (raw) add(report.file, file_of_this_machine(context, null));
    tell("the broker");
    ION_TRY(const bench::Figures real, bench::run_produce(context.brokers, shape));
    report.null_broker->add(null), report.real.add(real);
    if (!raw) continue;
    ION_TRY(const bench::Volume stream, raw_stream(Direction::kProduce, real));
    add(report.raw, stream);
  }
  return report;
}

// Only what is in the topic is read: a benchmark that wrote the rest would leave its records among those of the user.
Result<bench::Report> measure_consume(const Context& context, const Plan& plan) {
  ION_TRY(client::Client client, connect(context));
  const auto described = client.admin().describe_topic(plan.topic.name, context.timeout);
  if (!described && described.error().code() == ION_E_NOT_FOUND) {
    const Status& why = described.error();
    return Status(why.code(), fmt::format("{}; ion bench produce {} makes it and writes records into it", why.message(), plan.topic.name), why.reason());
  }
  ION_TRY(const client::TopicView topic, described);
  bench::Report report{"consume", plan.shape, durability_of(topic), {}, {}, {}, {}, 1};
  ION_TRY(const uint64_t there, records_in(client, plan.topic.name, context.timeout));
  if (there == 0) return Status(ION_E_OUT_OF_RANGE, fmt::format("topic {} holds no records; ion bench produce {} writes some", plan.topic.name, plan.topic.name));
  report.shape.records = std::min(plan.shape.records, there);
  if (plan.records == Plan::Records::kAsked && there < plan.shape.records)
    say(fmt::format("ion: bench consume {}: it holds {} records of the {} asked for\n", plan.topic.name, there, plan.shape.records));
  tell("the broker");
  ION_TRY(report.real, bench::run_consume(context.brokers, report.shape));
  if (plan.ceiling == Plan::Ceiling::kLeftOut) return report;
  report.shape.record_bytes = std::max<uint64_t>(1, report.real.bytes / std::max<uint64_t>(1, report.real.records));
  ION_TRY(report.null_broker, null_consume(report.shape));
  ION_TRY(report.raw, raw_stream(Direction::kConsume, report.real));
  return report;
}

int finish(std::string_view what, const Result<bench::Report>& report, const Context& context) {
  if (!report) return complain(what, report.error());
  const int code = deliver(what, context.format == Format::kJson ? bench::as_json(*report) : bench::as_text(*report));
  if (report->real.errors == 0) return code;
  complain(what, Status(report->real.first_error.code(), fmt::format("{} records failed, the first: {}", report->real.errors, report->real.first_error.message())));
  return code == kDone ? kSomeFailed : code;
}

void declare_bench(OptionSet& options) {
  options.positionals(1, 1)
      .value("size", "bytes of a record's value", "1024")
      .value("records", "how many, over all clients", "1000000")
      .value("clients", "each with a producer or reader of its own", "1")
      .value("connections", "over which the clients go in turn; else as many as clients, at most 4")
      .value("batch-bytes", "a batch of this size goes at once", "256KiB")
      .value("linger", "how long a batch may gather", "5ms")
      .value("acks", "all, leader or none", "all")
      .value("seed", "of the payload", "1")
      .value("partitions,p", "of the topic, if it has to be made", "1")
      .values("config,c", "KEY=VALUE of the topic, if it has to be made")
      .flag("one-in-flight", "each client waits for its record before it sends the next one")
      .flag("no-ceiling", "without the null broker, the raw stream and the file");
}

int bench_produce(const Arguments& arguments, const Context& context) {
  const auto plan = plan_of(arguments);
  if (!plan) return complain("bench produce", plan.error());
  return finish("bench produce " + plan->shape.topic, measure_produce(context, *plan), context);
}

int bench_consume(const Arguments& arguments, const Context& context) {
  const auto plan = plan_of(arguments);
  if (!plan) return complain("bench consume", plan.error());
  return finish("bench consume " + plan->shape.topic, measure_consume(context, *plan), context);
}

void declare_serve(OptionSet& options) { options.value("listen", "HOST:PORT", "127.0.0.1:0"); }

int bench_serve_null(const Arguments& arguments, const Context&) {
  const auto listen = client::parse_address(arguments.text("listen"), client::Port::kAnyToo);
  if (!listen) return complain("bench serve-null", usage("--listen: " + listen.error().message()));
  const auto program = bench::broker_program();
  if (!program) return complain("bench serve-null", program.error());
  return complain("bench serve-null", become({*program, "--null", "--set", "plugins.transport-grpc.config.listen=" + arguments.text("listen")}));
}

int bench_serve_raw(const Arguments& arguments, const Context&) {
  const auto listen = client::parse_address(arguments.text("listen"), client::Port::kAnyToo);
  if (!listen) return complain("bench serve-raw", usage("--listen: " + listen.error().message()));
  if (const Status enough = room_for_a_client(); !enough.ok()) return complain("bench serve-raw", enough);
  const Interrupts interrupts;
  const auto server = bench::RawServer::start(arguments.text("listen"), 2, {});
  if (!server) return complain("bench serve-raw", server.error());
  if (const int code = deliver("bench serve-raw", fmt::format("ready {}\n", (*server)->address())); code != kDone) return code;
  pollfd asked{interrupts.fd(), POLLIN, 0};
  while (::poll(&asked, 1, -1) < 0) {
  }
  return kDone;
}

}  // namespace

std::span<const Command> commands_in_bench() {
  static constexpr Command kCommands[] = {
      {400, "bench produce", "TOPIC", "How fast records go in, against a broker that stores nothing.", declare_bench, bench_produce},
      {401, "bench consume", "TOPIC", "How fast records come out, against a broker that stores nothing.", declare_bench, bench_consume},
      {402, "bench serve-null", "", "A broker that stores nothing, in the foreground.", declare_serve, bench_serve_null},
      {403, "bench serve-raw", "", "A raw gRPC stream without any broker, in the foreground.", declare_serve, bench_serve_raw},
  };
  return kCommands;
}

}  // namespace ion::cli
