// produce: stdin to records, and per acknowledged record a line, as soon as it is acknowledged.
#include <codecs/codecs.h>
#include <fmt/format.h>
#include <ion/units.h>

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "command.h"
#include "input.h"
#include "line_writer.h"
#include "process.h"

namespace ion::cli {

namespace {

constexpr size_t kTopicsMax = 1024;       // of one run, with %t in the format
constexpr uint64_t kErrorsShown = 10;
constexpr std::string_view kTimedOut = "TIMED_OUT";  // of a record whose delivery timeout is over
constexpr Nanos kDeliveryTimeoutMin = seconds(1);  // of ProducerOptions
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
  if (plan.producer.delivery_timeout < kDeliveryTimeoutMin) return usage(fmt::format("--delivery-timeout: want at least 1s, have {}", a.text("delivery-timeout")));
  ION_TRY(std::tie(plan.producer.compression, plan.producer.compression_level), parse_compression(a.text("compression")));
  ION_CHECK(plan.producer.check());
  if (a.has("key")) plan.key = a.text("key");
  ION_CHECK(plan_partition(a, plan));
  ION_TRY(plan.headers, a.pairs("header", ':'));
  if (a.has("tombstones")) plan.empty = Plan::Empty::kTombstone;
  tell_overridden(a, plan);
  return plan;
}

// Tells once a second how many records were refused since it told the last time. Any thread adds; the owner finishes.
class Refusals {
 public:
  explicit Refusals(std::string what) : what_(std::move(what)), thread_([this] { tell(); }) {}
  ~Refusals() { finish(); }
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  void add(const Status& why) {
    const std::lock_guard lock(mutex_);
    last_ = why;
    if (untold_++ == 0) changed_.notify_all();
  }
  void finish() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void tell() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      changed_.wait(lock, [this] { return ending_ || untold_ > 0; });
      changed_.wait_for(lock, std::chrono::seconds(1), [this] { return ending_; });
      if (untold_ > 0) say(fmt::format("ion: {}: {} more records were refused, the last one: {}\n", what_, std::exchange(untold_, 0), last_.text()));
    }
  }

  const std::string what_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t untold_ = 0;
  Status last_;
  bool ending_ = false;
  std::thread thread_;
};

// One run. The main thread reads and sends; receipts come on the client's thread, lines leave on the writer's.
class Production {
 public:
  Production(Plan plan, client::Client& client, Interrupts& interrupts)
      : plan_(std::move(plan)), client_(client), interrupts_(interrupts), input_(plan_.in, interrupts.fd(), stop_.fd()) {
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
    sum_up(stopping_ || !read.ok() || !written.ok() ? Ended::kEarly : Ended::kWithItsInput);
    const int outcome = !written.ok() ? code : delivered_ > 0 ? kSomeFailed : failed_ > 0 ? first_exit_.load() : code;
    // Calls may still be under way into this object: the process ends with it.
    if (!flushed.ok()) ::_exit(gave_up_ ? kInterrupted : outcome);
    if (input_.interrupted()) return kInterrupted;
    return failed_ == 0 && code == kDone ? kDone : outcome;
  }

 private:
  enum class Ended { kWithItsInput, kEarly };
  void sum_up(Ended how) {
    if (how == Ended::kEarly && input_.records() > 0) {
      const std::string first = failed_ == 0 ? "" : fmt::format(", the first of them record {}", first_failed_.load());
      say(fmt::format("ion: {}: stopped after {} records were read: {} delivered, {} failed{}{}\n", about(plan_.topic), input_.records(), delivered_.load(), failed_.load(),
                      first, advice_.load()));
    } else if (failed_ > kErrorsShown) {
      say(fmt::format("ion: {}: {} records failed, {} delivered\n", about(plan_.topic), failed_.load(), delivered_.load()));
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
      if (stopping_ || writer_.failed()) return {};
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

  // Both callbacks fit a std::function without memory of its own.
  void send(Lane& lane, const client::Record& record) {
    const uint64_t number = input_.records();
    if (!keeps_) {
      const Status taken = lane.producer.send(record, [to = &lane, number](const Result<client::Receipt>& r) { to->run->settle(*to, number, nullptr, r); });
      if (!taken.ok()) settle(lane, number, nullptr, taken);
      return;
    }
    auto* kept = new Kept{&lane, number, std::nullopt, std::nullopt, {}, 0};  // freed by the callback, which runs exactly once
    if (record.key) kept->key.emplace(*record.key);
    if (record.value) kept->value.emplace(*record.value);
    for (const client::Header& h : record.headers) append_header(h.key, h.value, kept->headers);
    kept->header_count = static_cast<int32_t>(record.headers.size());
    const Status taken = lane.producer.send(record, [kept](const Result<client::Receipt>& r) {
      kept->lane->run->settle(*kept->lane, kept->number, kept, r);
      delete kept;
    });
    if (taken.ok()) return;
    settle(lane, number, kept, taken);
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

  // The first ones are told one by one, the rest each second, so that a pipe that nobody watches never loses anything in silence.
  void refused(const Lane& lane, uint64_t number, const Status& why) {
    const uint64_t before = failed_.fetch_add(1);
    if (stopping_) return;
    if (before >= kErrorsShown) return refusals_.add(why);
    const int code = complain(fmt::format("produce {}: record {}", lane.topic, number), why);
    if (before == 0) first_exit_ = code, first_failed_ = number;
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

  bool signalled() const {
    pollfd asked{interrupts_.fd(), POLLIN, 0};
    return ::poll(&asked, 1, 0) > 0;
  }

  // Every record ends within its delivery timeout; a signal that comes now ends the waiting.
  Status flush_all() {
    if (input_.interrupted()) interrupts_.take();
    // After one that ran out of time, the others get only the little that makes the run end within 10 % of it.
    const Nanos patience = undelivered_ ? Nanos{plan_.producer.delivery_timeout.n / 20} : Nanos{plan_.producer.delivery_timeout.n + kCloseMax.n};
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience.n);
    for (auto& [name, lane] : lanes_) {
      Status flushed = lane.producer.flush(std::min(kFlushStep, patience));
      while (!flushed.ok() && flushed.code() == ION_E_DEADLINE && std::chrono::steady_clock::now() < end && !gave_up_) {
        gave_up_ = signalled();
        if (!gave_up_) flushed = lane.producer.flush(std::min(kFlushStep, patience));
      }
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
  bool keeps_ = false, gave_up_ = false, told_partition_ = false;
  std::map<std::string, Lane, std::less<>> lanes_;
  std::atomic<uint64_t> delivered_{0}, failed_{0};
  std::atomic<int> first_exit_{kFailed};
  // An error that ends the run has come. It is set last: what stands below it is written before by the thread of the receipts.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> undelivered_{false};
  std::atomic<uint64_t> first_failed_{0};  // its number, from 1
  std::atomic<const char*> advice_{""};
  Refusals refusals_{about(plan_.topic)};
  LineWriter writer_;
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
      .value("format,f", "how a record looks on stdin: %k %v %t with text between them, or with their lengths %K %V %T before; %p %d partition and timestamp; "
                         "%H %h{%K%k%V%v} headers; %o %e %x %y are read and ignored; or json, as consume writes it", "%v\\n")
      .value("output,o", "a line per acknowledged record: %t %p %o %k %v %d %u %i %H %h{...}; else nothing, on a terminal %t[%p]@%o")
      .value("key,k", "key of every record that brings none")
      .value("partition,p", "partition of every record, or input: of each line of -f json its own; else by key, or the client's choice")
      .values("header,H", "KEY:VALUE of every record; may be repeated")
      .value("acks", "who has to have it: all, leader or none", "all")
      .value("delivery-timeout", "a record that is not acknowledged by then has failed; retries included", "120s")
      .value("compression,z", "none, gzip, snappy, lz4 or zstd; with a level as in zstd:9", "none")
      .flag("tombstones,Z", "an empty value is sent as no value")
      .may_be_empty("key")
      .may_be_empty("output");
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
