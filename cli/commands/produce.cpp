// produce: stdin to records, and per acknowledged record a line, as soon as it is acknowledged.
#include <codecs/codecs.h>
#include <fmt/format.h>
#include <ion/units.h>

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "command.h"
#include "input.h"
#include "line_writer.h"
#include "process.h"
#include "refusals.h"

namespace ion::cli {

namespace {

constexpr size_t kTopicsMax = 1024;       // of one run, with %t in the format
constexpr std::string_view kTimedOut = "TIMED_OUT";  // of a record whose delivery timeout is over
constexpr std::string_view kMemoryFull = "MEMORY_FULL";  // of a record that finds no memory beside those under way
constexpr int kMemoryFullMs = 1;  // between two attempts; far less than the memory takes to run empty
constexpr Nanos kFlushStep = milliseconds(500);      // between two looks for a signal
constexpr Nanos kCloseMax = seconds(10);  // for what was written without waiting for an answer to arrive

// What the words asked for, judged before anything is sent.
struct Plan {
  std::string topic;  // empty: the input says it
  InputFormat in;
  std::optional<OutputFormat> out;
  client::ProducerOptions producer;
  std::optional<std::string> key;
  std::optional<PartitionId> partition;  // of every record; missing: by key, unless the input says it
  enum class InputPartition { kPassedOver, kUsed } input_partition = InputPartition::kPassedOver;
  std::vector<std::pair<std::string, std::string>> headers;
  enum class Empty { kValue, kTombstone } empty = Empty::kValue;
};

Result<client::Acks> parse_acks(const std::string& text) {
  if (text == "all" || text == "-1") return client::Acks::kAll;
  if (text == "leader" || text == "1") return client::Acks::kLeader;
  if (text == "none" || text == "0") return client::Acks::kNone;
  return usage("--acks: want all, leader or none, have \"" + text + "\"");
}

// `-p N` is where every record goes. A format with %p says it for each record, and that is told; a line of JSON says where the record came
// from, which is used only for `-p input`.
Status plan_partition(const Arguments& a, Plan& plan) {
  const bool verb = plan.in.reads(FormatPiece::Verb::kPartition), input = a.text("partition") == "input";
  if (verb || input) plan.input_partition = Plan::InputPartition::kUsed;
  if (input && !verb && !plan.in.is_json()) return usage("--partition: input wants -f json or a format with %p");
  if (!a.has("partition") || input) return {};
  const auto partition = parse_count(a.text("partition"));
  if (!partition) return usage(fmt::format("--partition: want a whole number from 0 on, or input, have \"{}\"", a.text("partition")));
  ION_TRY(const uint64_t bounded, a.count("partition", std::numeric_limits<int32_t>::max()));
  plan.partition = PartitionId{static_cast<int32_t>(bounded)};
  return {};
}

void tell_overridden(const Arguments& a, const Plan& plan) {
  using Verb = FormatPiece::Verb;
  const auto tell = [](std::string_view verb, std::string_view what, std::string_view dropped) {
    say(fmt::format("ion: produce: {} of the format gives the {} of each record; {} is not used\n", verb, what, dropped));
  };
  if (!plan.topic.empty() && plan.in.reads(Verb::kTopic)) tell("%t", "topic", plan.topic);
  if (a.has("key") && plan.in.reads(Verb::kKey)) tell("%k", "key", "-k");
  if (plan.partition && plan.in.reads(Verb::kPartition)) tell("%p", "partition", "-p");
}

// A codec, and its level behind a colon.
Result<std::tuple<client::Compression, std::optional<int>>> parse_compression(const std::string& text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = std::string_view(text).substr(0, colon);
  const auto codec = codecs::codec_named(name);
  if (!codec) return usage("--compression: want none, gzip, snappy, lz4 or zstd, have \"" + text + "\"");
  std::optional<int> level;
  if (colon != text.size()) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + colon + 1, end, number);
    if (error != std::errc() || at != end) return usage("--compression: want a level behind the colon, have \"" + text + "\"");
    const codecs::Levels levels = codecs::levels_of(*codec);
    if (levels.least == levels.most) return usage(fmt::format("--compression: {} has no levels, have \"{}\"", name, text));
    if (number < levels.least || number > levels.most)
      return usage(fmt::format("--compression: want a level of {} from {} to {}, have \"{}\"", name, levels.least, levels.most, text));
    level = number;
  }
  return std::tuple(static_cast<client::Compression>(*codec), level);
}

Result<Plan> plan_of(const Arguments& a) {
  auto in = InputFormat::parse(a.text("format"));
  if (!in) return usage(in.error().message());
  Plan plan{{}, *std::move(in), {}, {}, {}, {}, {}, {}};
  if (a.positionals().empty() && !plan.in.reads_topic() && !plan.in.is_json()) return usage("TOPIC is missing, and the format does not read one with %t; usage: ion produce TOPIC [option...]");
  if (!a.positionals().empty()) plan.topic = a.positionals()[0];
  std::string out = a.has("output") ? a.text("output") : ::isatty(STDOUT_FILENO) != 0 ? "%t[%p]@%o\\n" : "";
  if (!out.empty()) {
    auto format = OutputFormat::parse(out);
    if (!format) return usage(format.error().message());
    plan.out = *std::move(format);
  }
  ION_TRY(plan.producer.acks, parse_acks(a.text("acks")));
  ION_TRY(plan.producer.delivery_timeout, a.duration("delivery-timeout"));
  if (plan.producer.delivery_timeout < client::kDeliveryTimeoutMin || plan.producer.delivery_timeout > client::kTimeoutMax)
    return usage(fmt::format("--delivery-timeout: want {} to {}, have {}", duration_text(client::kDeliveryTimeoutMin), duration_text(client::kTimeoutMax), a.text("delivery-timeout")));
  ION_TRY(std::tie(plan.producer.compression, plan.producer.compression_level), parse_compression(a.text("compression")));
  plan.producer.on_full = client::OnFull::kFail;  // this run waits by itself, and looks for signals meanwhile
  plan.producer.no_space = client::NoSpace::kEnd;
  ION_CHECK(plan.producer.check());
  if (a.has("key")) plan.key = a.text("key");
  ION_CHECK(plan_partition(a, plan));
  ION_TRY(plan.headers, a.pairs("header", ':'));
  if (a.has("tombstones")) plan.empty = Plan::Empty::kTombstone;
  tell_overridden(a, plan);
  return plan;
}

// One run. The main thread reads and sends; receipts come on the client's thread, lines leave on the writer's.
class Production {
 public:
  Production(Plan plan, client::Client& client, Interrupts& interrupts)
      : plan_(std::move(plan)), client_(client), interrupts_(interrupts), input_(plan_.in, {interrupts.fd(), stop_.fd(), plan_.out ? STDOUT_FILENO : -1}) {
    for (const auto& [key, value] : plan_.headers) headers_.push_back({key, value});
    keeps_ = plan_.out && (plan_.out->shows_key() || plan_.out->shows_value() || plan_.out->shows_headers());
  }

  int run() {
    const Status read = send_all();
    const Status flushed = flush_all();
    const Status written = writer_.finish();
    refusals_.finish();
    int code = read.ok() ? kDone : complain(about(plan_.topic), read);
    if (!written.ok()) code = complain(about(plan_.topic), written);
    if (!flushed.ok() && !gave_up_) code = complain(about(plan_.topic), flushed);
    const bool interrupted = interrupted_ || input_.interrupted() || gave_up_;
    sum_up(interrupted ? Ended::kInterrupted : stopping_ || !read.ok() || !written.ok() ? Ended::kEarly : Ended::kWithItsInput);
    const bool failed = refusals_.count() > 0;
    const int outcome = !written.ok() ? code : failed ? (delivered_ > 0 ? kSomeFailed : refusals_.first_exit()) : delivered_ > 0 && code != kDone ? kSomeFailed : code;
    // Calls may still be under way into this object: the process ends with it.
    if (!flushed.ok()) ::_exit(gave_up_ ? kInterrupted : outcome);
    return interrupted ? kInterrupted : outcome;
  }

 private:
  enum class Ended { kWithItsInput, kEarly, kInterrupted };
  void sum_up(Ended how) {
    const uint64_t failed = refusals_.count(), read = input_.records();
    if (!gave_up_) refusals_.tell_which();
    if (how == Ended::kInterrupted) {
      const char* const advice = gave_up_ ? "; what was sent without an answer may be stored all the same" : advice_.load();
      say(fmt::format("ion: {}: interrupted after {} records were read: {} delivered, {} not delivered{}\n", about(plan_.topic), read, delivered_.load(), read - delivered_, advice));
    } else if (how == Ended::kEarly && read > 0) {
      const std::string first = failed == 0 ? "" : fmt::format(", the first of them record {}", refusals_.first());
      say(fmt::format("ion: {}: stopped after {} records were read: {} delivered, {} failed{}{}\n", about(plan_.topic), read, delivered_.load(), failed, first, advice_.load()));
    } else if (failed > Refusals::kShown) {
      say(fmt::format("ion: {}: {} records failed, {} delivered\n", about(plan_.topic), failed, delivered_.load()));
    }
  }

  struct Lane {  // a topic of this run; outlives all calls
    Production* run;
    std::string topic;
    client::Producer producer;
  };
  struct Kept {  // of a record under way whose bytes will be printed
    Lane* lane;
    uint64_t number;
    std::optional<std::string> key, value;
    std::string headers;  // encoded
    int32_t header_count = 0;
  };

  static std::string about(const std::string& topic) { return topic.empty() ? "produce" : "produce " + topic; }

  Status send_all() {
    for (;;) {
      if (stopping_ || interrupted_ || writer_.ended()) return {};
      if (input_.starved()) writer_.wait_for_space();
      ION_TRY(std::optional<InputFormat::Record> read, input_.next());
      if (!read) return {};
      ION_TRY(Lane* const lane, lane_of(plan_.in.is_json() && !plan_.topic.empty() ? std::string_view(plan_.topic) : read->topic.value_or(plan_.topic)));
      client::Record record;
      record.key = read->key;
      if (!record.key && plan_.key) record.key = *plan_.key;
      record.value = read->value.value_or(std::string_view());
      if (read->null_value || (record.value->empty() && plan_.empty == Plan::Empty::kTombstone)) record.value.reset();
      record.headers = headers_;
      if (!read->headers.empty()) record.headers = with_headers(read->headers);
      ION_TRY(record.partition, partition_of(*read));
      if (const Status fits = fits_a_partition(*read, lane->topic); !fits.ok()) {
        settle(*lane, input_.records(), nullptr, fits);
        continue;
      }
      if (read->timestamp_ms) record.timestamp = WallMs{*read->timestamp_ms};
      send(*lane, record);
    }
  }

  Result<std::optional<PartitionId>> partition_of(const InputFormat::Record& read) {
    if (plan_.input_partition == Plan::InputPartition::kUsed) {
      if (!read.partition) return Status(ION_E_INVALID, fmt::format("input line {}: \"partition\" is missing, and -p input wants it", input_.line()));
      return std::optional(PartitionId{static_cast<int32_t>(*read.partition)});
    }
    if (read.partition && !plan_.partition && !std::exchange(told_partition_, true))
      say(fmt::format("ion: {}: the partition of the lines is not used; -p input keeps it\n", about(plan_.topic)));
    return plan_.partition;
  }

  // Other numbers are compared with the topic's by the client.
  Status fits_a_partition(const InputFormat::Record& read, const std::string& topic) const {
    const bool used = plan_.input_partition == Plan::InputPartition::kUsed && read.partition;
    if (!used || static_cast<int32_t>(*read.partition) == *read.partition) return {};
    return {ION_E_NOT_FOUND, fmt::format("topic {} has no partition {}", topic, *read.partition), "PARTITION_NOT_FOUND"};
  }

  // Those of the record behind those of the command line. Until the next call.
  std::span<const client::Header> with_headers(const std::vector<InputFormat::Header>& more) {
    both_ = headers_;
    for (const InputFormat::Header& h : more) both_.push_back({h.key, h.value});
    return both_;
  }

  // Where there is no memory for it, waits for that. Not taken when the run ends meanwhile.
  Status offer(Lane& lane, const client::Record& record, const client::OnDelivered& done) {
    Status taken = lane.producer.send(record, done);
    if (taken.ok()) return taken;
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(plan_.producer.delivery_timeout.n);
    while (taken.reason() == kMemoryFull && std::chrono::steady_clock::now() < end) {
      pollfd wait[2] = {{interrupts_.fd(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
      if (::poll(wait, 2, kMemoryFullMs) > 0) {
        interrupted_ = wait[0].revents != 0;
        if (wait[1].revents != 0) taken = Status(ION_E_CANCELLED, "not sent, since the run had ended");
        return taken;
      }
      taken = lane.producer.send(record, done);
    }
    return taken;
  }
  // A record that is left out because somebody ended the run has not failed.
  void not_taken(Lane& lane, uint64_t number, const Kept* kept, const Status& why) {
    if (interrupted_ || writer_.ended()) return;
    settle(lane, number, kept, why);
  }

  // Both callbacks fit a std::function without memory of its own.
  void send(Lane& lane, const client::Record& record) {
    const uint64_t number = input_.records();
    if (!keeps_) {
      const Status taken = offer(lane, record, [to = &lane, number](const Result<client::Receipt>& r) { to->run->settle(*to, number, nullptr, r); });
      if (!taken.ok()) not_taken(lane, number, nullptr, taken);
      return;
    }
    auto* kept = new Kept{&lane, number, std::nullopt, std::nullopt, {}, 0};  // freed by the callback, which runs exactly once
    if (record.key) kept->key.emplace(*record.key);
    if (record.value) kept->value.emplace(*record.value);
    for (const client::Header& h : record.headers) append_header(h.key, h.value, kept->headers);
    kept->header_count = static_cast<int32_t>(record.headers.size());
    const Status taken = offer(lane, record, [kept](const Result<client::Receipt>& r) {
      kept->lane->run->settle(*kept->lane, kept->number, kept, r);
      delete kept;
    });
    if (taken.ok()) return;
    not_taken(lane, number, kept, taken);
    delete kept;
  }

  void settle(Lane& lane, uint64_t number, const Kept* kept, const Result<client::Receipt>& receipt) {
    if (!receipt) return refused(lane, number, receipt.error());
    const uint64_t counted = delivered_.fetch_add(1) + 1;
    if (!plan_.out || receipt->dropped) return;
    RecordView view;
    view.topic = receipt->routed_topic.empty() ? lane.topic : receipt->routed_topic, view.partition = receipt->partition, view.offset = receipt->offset, view.time = receipt->timestamp;
    view.log = receipt->log, view.number = counted;
    if (kept != nullptr) {
      view.key = kept->key, view.value = kept->value;
      view.headers = span_of(std::string_view(kept->headers)), view.header_count = kept->header_count;
    }
    writer_.append([&](std::string& to) { plan_.out->write(view, to); });
  }

  void refused(const Lane& lane, uint64_t number, const Status& why) {
    if (stopping_) return refusals_.add("produce " + lane.topic, number, why, Refusals::Tell::kQuiet);
    refusals_.add("produce " + lane.topic, number, why, Refusals::Tell::kNow);
    if (!ends_all(why)) return;
    advice_ = advice(why);
    if (why.reason() == kTimedOut) undelivered_ = true;
    stopping_ = true;
    stop_.raise();
  }
  static const char* advice(const Status& why) {
    if (why.code() == ION_E_NO_SPACE) return "; what failed is not stored: make space on the broker's disk, then send it again";
    if (why.reason() == kTimedOut) return "; what was sent without an answer may be stored all the same";
    return "";
  }
  // Every later record would meet the same.
  bool ends_all(const Status& why) const {
    switch (why.code()) {
      case ION_E_UNAUTHENTICATED:
      case ION_E_FORBIDDEN:
      case ION_E_FENCED:
      case ION_E_NO_SPACE: return true;
      case ION_E_NOT_FOUND: return !plan_.topic.empty() && !plan_.in.reads_topic() && why.reason() == "TOPIC_NOT_FOUND";
      // Its whole time was not enough, retries included: each later one would take as long again and then be lost.
      default: return why.reason() == kTimedOut || why.reason() == "TOO_FEW_DESCRIPTORS";
    }
  }

  Result<Lane*> lane_of(std::string_view topic) {
    const auto at = lanes_.find(topic);
    if (at != lanes_.end()) return &at->second;
    if (topic.empty())
      return Status(ION_E_INVALID, fmt::format("record {} names no topic: {}", input_.records(),
                                               plan_.in.is_json() ? "want \"topic\" in each line, or TOPIC on the command line" : "%t read an empty one"));
    if (lanes_.size() == kTopicsMax) return Status(ION_E_OVERLOADED, fmt::format("more than {} topics in one run", kTopicsMax));
    const std::string name(topic);
    return &lanes_.emplace(name, Lane{this, name, client_.producer(name, plan_.producer)}).first->second;
  }

  void tell_waiting() {
    if (!interrupted_ || std::exchange(told_waiting_, true)) return;
    say(fmt::format("ion: {}: interrupted; what was sent and has no answer yet is waited for, another signal gives it up\n", about(plan_.topic)));
  }
  bool signalled() const {
    pollfd asked{interrupts_.fd(), POLLIN, 0};
    return ::poll(&asked, 1, 0) > 0;
  }

  // Every record ends within its delivery timeout; a signal that comes now ends the waiting.
  Status flush_all() {
    interrupted_ = interrupted_ || input_.interrupted();
    if (interrupted_) interrupts_.take();
    // After one that ran out of time, the others get only the little that makes the run end within 10 % of it.
    const Nanos patience = undelivered_ ? Nanos{plan_.producer.delivery_timeout.n / 20} : Nanos{plan_.producer.delivery_timeout.n + kCloseMax.n};
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience.n);
    for (auto& [name, lane] : lanes_) {
      Status flushed = lane.producer.flush(gave_up_ ? milliseconds(1) : std::min(kFlushStep, patience));
      while (!flushed.ok() && flushed.code() == ION_E_DEADLINE && std::chrono::steady_clock::now() < end && !gave_up_) {
        gave_up_ = signalled();
        if (gave_up_) break;
        tell_waiting();
        flushed = lane.producer.flush(std::min(kFlushStep, patience));
      }
      if (gave_up_) stopping_ = true;  // what is under way needs no lines of its own
      // Whatever is left fails now, so that no call comes when this is gone.
      const Status closed = lane.producer.close(flushed.ok() ? kCloseMax : milliseconds(1));
      if (!flushed.ok() && !undelivered_) return flushed;
      (void)closed;
    }
    return {};
  }

  const Plan plan_;
  client::Client& client_;
  Interrupts& interrupts_;
  Flag stop_;  // raised with stopping_
  Input input_;
  std::vector<client::Header> headers_, both_;
  bool keeps_ = false, gave_up_ = false, interrupted_ = false, told_partition_ = false, told_waiting_ = false;
  std::map<std::string, Lane, std::less<>> lanes_;
  std::atomic<uint64_t> delivered_{0};
  // An error that ends the run has come. It is set last: what stands below it is written before by the thread of the receipts.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> undelivered_{false};
  std::atomic<const char*> advice_{""};
  Refusals refusals_{about(plan_.topic)};
  LineWriter writer_{[this] { stop_.raise(); }};
};

// Before anything is read: a pipe that never says a word would otherwise never learn that it leads nowhere. What passes is left to
// the records, which have a time of their own.
Status target_is_there(client::Client& client, const Plan& plan, Nanos timeout) {
  if (plan.topic.empty() || plan.in.reads_topic()) return {};
  const auto partitions = client.partitions_of(plan.topic, timeout);
  if (!partitions) return partitions.error().code() == ION_E_DEADLINE || partitions.error().code() == ION_E_CLOSED ? Status() : partitions.error();
  if (!plan.partition || plan.in.reads(FormatPiece::Verb::kPartition) || static_cast<uint32_t>(plan.partition->v) < *partitions) return {};
  return {ION_E_NOT_FOUND, fmt::format("topic {} has partitions 0 to {}, not {}", plan.topic, *partitions - 1, plan.partition->v), "PARTITION_NOT_FOUND"};
}

void declare_produce(OptionSet& options) {
  options.positionals(0, 1)
      .value("format,f", "how a record looks on stdin: json, as consume writes it, or text with the fields below", "%v\\n")
      .value("output,o", "a line per acknowledged record, with the fields of ion consume --help; else nothing, on a terminal %t[%p]@%o")
      .value("key,k", "key of every record that brings none")
      .value("partition,p", "partition of every record, or input: of each line of -f json its own; else by key, or the client's choice")
      .values("header,H", "KEY:VALUE of every record; may be repeated")
      .value("acks", "who has to have it: all, leader or none", "all")
      .value("delivery-timeout", "a record that is not acknowledged by then has failed; retries included", "120s")
      .value("compression,z", "none, gzip, snappy, lz4 or zstd; with a level as in zstd:9", "none")
      .flag("tombstones,Z", "an empty value is sent as no value")
      .may_be_empty("key")
      .may_be_empty("output")
      .notes("Fields of -f, with text between them:\n" + fields_help(FormatUse::kRead));
}

int produce(const Arguments& arguments, const Context& context) {
  auto plan = plan_of(arguments);
  if (!plan) return complain("produce", plan.error());
  Interrupts interrupts;
  if (const Status room = room_for_a_client(); !room.ok()) return complain("produce " + plan->topic, room);
  std::optional<EndedBySignal> waiting(interrupts);
  auto client = connect(context);
  if (!client) return complain("produce " + plan->topic, client.error());
  if (const Status there = target_is_there(*client, *plan, context.timeout); !there.ok()) return complain("produce " + plan->topic, there);
  waiting.reset();
  return Production(*std::move(plan), *client, interrupts).run();
}

}  // namespace

std::span<const Command> commands_in_produce() {
  static constexpr Command kCommands[] = {
      {200, "produce", "[TOPIC]", "Sends what comes in on stdin, a record per line.", declare_produce, produce},
  };
  return kCommands;
}

}  // namespace ion::cli
