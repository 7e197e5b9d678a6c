// consume: records of topics to stdout. One thread reads and prints per topic; the main thread waits for signals and closed pipes.
#include <fmt/format.h>
#include <ion/units.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>

#include "command.h"
#include "core/offset_range.h"
#include "core/time_range.h"
#include "core/record_format.h"
#include "log_bounds.h"
#include "process.h"

namespace ion::cli {

namespace {

constexpr size_t kTopicsMax = 256;  // a thread each
constexpr size_t kOutputBytes = 1 << 20;
constexpr int kLeaveMs = 2000;      // what readers get to end after a signal

struct Plan {
  OffsetRange range;
  std::optional<TimeRange> times;       // instead of `range`, which is then as it is made
  std::vector<int32_t> partitions;      // none: all
  std::optional<OutputFormat> format;   // none: JSON lines
  uint64_t records_max = std::numeric_limits<uint64_t>::max();
  enum class Stop { kNever, kAtEnd } stop = Stop::kNever;
  client::ReaderOptions::OnGap on_gap = client::ReaderOptions::OnGap::kGoOn;
  client::ReaderOptions::OnDamage on_damage = client::ReaderOptions::OnDamage::kFail;

  bool bounded() const { return times ? times->bounded() : range.until().has_value(); }
};

Result<Plan> plan_of(const Arguments& a) {
  Plan plan;
  if (const std::string& offset = a.text("offset"); offset.starts_with('@')) {
    const auto times = TimeRange::parse(offset, wall_now());
    if (!times) return usage("--offset: " + times.error().message());
    plan.times = *times;
  } else {
    auto range = OffsetRange::parse(offset);
    if (!range) return usage("--offset: " + range.error().message());
    plan.range = *std::move(range);
  }
  ION_TRY(const std::vector<std::string> partitions, a.list("partitions"));
  for (const std::string& text : partitions) {
    const auto partition = parse_count(text);
    if (!partition || *partition > std::numeric_limits<int32_t>::max()) return usage("--partitions: want numbers such as 0,1, have \"" + text + "\"");
    plan.partitions.push_back(static_cast<int32_t>(*partition));
  }
  if (a.has("format") && a.text("format") != "json") {
    auto format = OutputFormat::parse(a.text("format"));
    if (!format) return usage(format.error().message());
    plan.format = *std::move(format);
  }
  if (a.has("records")) {
    ION_TRY(plan.records_max, a.count("records", std::numeric_limits<int64_t>::max()));
    if (plan.records_max == 0) return usage("--records: at least 1");
  }
  if (a.has("end")) plan.stop = Plan::Stop::kAtEnd;
  if (a.has("fail-on-gap")) plan.on_gap = client::ReaderOptions::OnGap::kFail;
  if (a.has("skip-damage")) plan.on_damage = client::ReaderOptions::OnDamage::kSkip;
  return plan;
}

// Partitions of a topic that are not read, each told in a line, up to a bound.
class LeftOut {
 public:
  explicit LeftOut(std::string topic) : topic_(std::move(topic)) {}

  void add(PartitionId partition, const Status& why) {
    if (++count_ > kLinesMax) return;
    const std::string_view what = why.code() == ION_E_OUT_OF_RANGE ? "is left out" : "cannot be read and is left out";
    const int code = complain("consume " + topic_, Status(why.code(), fmt::format("partition {} {}: {}", partition.v, what, why.message()), why.reason()));
    if (count_ == 1) first_exit_ = code;
  }
  void finish() const {
    if (count_ > kLinesMax) say(fmt::format("ion: consume {}: and {} more partitions are left out\n", topic_, count_ - kLinesMax));
  }
  size_t count() const { return count_; }
  int first_exit() const { return first_exit_; }

 private:
  static constexpr size_t kLinesMax = 10;
  const std::string topic_;
  size_t count_ = 0;
  int first_exit_ = kFailed;
};

// Before anything is read: -n may be reached without anybody having asked for the topic. What passes is left to the reader.
Status is_there(client::Client& client, const Plan& plan, const std::string& topic, Nanos timeout) {
  const auto partitions = client.partitions_of(topic, timeout);
  if (!partitions) return partitions.error().code() == ION_E_DEADLINE || partitions.error().code() == ION_E_CLOSED ? Status() : partitions.error();
  for (const int32_t p : plan.partitions)
    if (static_cast<uint32_t>(p) >= *partitions)
      return {ION_E_NOT_FOUND, fmt::format("topic {} has partitions 0 to {}, not {}", topic, *partitions - 1, p), "PARTITION_NOT_FOUND"};
  return {};
}

const client::PartitionOffset* of_partition(const std::vector<client::PartitionOffset>& all, PartitionId partition) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& o) { return o.partition == partition; });
  return found == all.end() ? nullptr : &*found;
}

// The same for times: the first records at or after them, and the ends as they are now.
Status place_times(client::Client& client, const Plan& plan, Nanos timeout, client::ReaderOptions& options, LeftOut& left_out) {
  const TimeRange& times = *plan.times;
  client::Admin admin = client.admin();
  ION_TRY(const auto from, times.from ? admin.offsets_at(options.topic, plan.partitions, *times.from, timeout)
                                      : admin.list_offsets(options.topic, plan.partitions, client::OffsetOf::kStart, timeout));
  std::vector<int32_t> served;
  for (const client::PartitionOffset& o : from) {
    if (o.error.ok()) served.push_back(o.partition.v);
    else left_out.add(o.partition, o.error);
  }
  std::vector<client::PartitionOffset> until;
  if (times.bounded() && !served.empty()) {  // an empty list would ask for all
    ION_TRY(until, times.until ? admin.offsets_at(options.topic, served, *times.until, timeout)
                               : admin.list_offsets(options.topic, served, client::OffsetOf::kEnd, timeout));
  }
  for (const client::PartitionOffset& o : from) {
    if (!o.error.ok()) continue;
    const client::PartitionOffset* const end = of_partition(until, o.partition);
    if (!times.bounded()) options.offsets.push_back({o.partition.v, o.offset.v, -1});
    else if (end != nullptr && end->error.ok()) options.offsets.push_back({o.partition.v, o.offset.v, std::max(o.offset, end->offset).v});
    else left_out.add(o.partition, end != nullptr ? end->error : Status(ION_E_CLOSED, "its end is not in the answer of the broker", "NOT_READY"));
  }
  left_out.finish();
  if (left_out.count() == 0) return {};
  options.partitions.clear();
  for (const auto& at : options.offsets) options.partitions.push_back(at.partition);
  return {};
}

// Where each partition begins and ends, as far as the words of the plan need to know it. `left_out` gets what cannot be read.
Status place(client::Client& client, const Plan& plan, Nanos timeout, client::ReaderOptions& options, LeftOut& left_out) {
  ION_TRY(const auto bounds, bounds_of(client, options.topic, plan.partitions, timeout));
  for (const LogBounds& b : bounds) {
    if (!b.error.ok()) {
      left_out.add(b.partition, b.error);
      continue;
    }
    const auto span = plan.range.within(b.log);
    if (span) options.offsets.push_back({b.partition.v, span->from.v, span->until ? span->until->v : -1});
    else left_out.add(b.partition, span.error());
  }
  left_out.finish();
  if (left_out.count() == 0) return {};
  options.partitions.clear();
  for (const auto& at : options.offsets) options.partitions.push_back(at.partition);
  return {};
}

class Consumption {
 public:
  explicit Consumption(const Plan& plan) : plan_(plan) { output_.reserve(kOutputBytes + (64 << 10)); }
  Consumption(const Consumption&) = delete;
  Consumption& operator=(const Consumption&) = delete;

  // A topic to read, or why it cannot be read at all; an error is told here.
  void add(client::Client& client, const std::string& topic, Nanos timeout) {
    ++topics_;
    client::ReaderOptions options;
    options.topic = topic;
    options.on_lost = client::ReaderOptions::OnLost::kGoOn;
    options.on_gap = plan_.on_gap, options.on_damage = plan_.on_damage;
    if (plan_.stop == Plan::Stop::kAtEnd || plan_.bounded()) options.unreachable_timeout = timeout;
    options.partitions = plan_.partitions;
    options.stop_at_end = plan_.stop == Plan::Stop::kAtEnd;
    options.from = plan_.range.from().base == OffsetPoint::Base::kStart ? client::ReaderOptions::From::kStart : client::ReaderOptions::From::kEnd;
    LeftOut left_out(topic);
    Status wrong = is_there(client, plan_, topic, timeout);
    if (wrong.ok() && plan_.times) wrong = place_times(client, plan_, timeout, options, left_out);
    else if (wrong.ok() && plan_.range.needs_ends()) wrong = place(client, plan_, timeout, options, left_out);
    if (!wrong.ok()) return count_failed(complain("consume " + topic, wrong));
    if (left_out.count() > 0 && options.partitions.empty()) return count_failed(left_out.first_exit());
    auto reader = client.reader(options);
    if (!reader) return count_failed(complain("consume " + topic, reader.error()));
    left_out_ += left_out.count();
    sources_.push_back({topic, *std::move(reader), {}});
  }

  int run(const Interrupts& interrupts) {
    if (sources_.empty()) return exit_code(Woken::kDone);
    for (Source& s : sources_) s.thread = std::thread([this, &s] { read(s); });
    const Woken why = wait(interrupts);
    if (why != Woken::kDone && !leave()) {
      // A reader hangs in a write to a pipe that nobody empties: only the end of the process ends that.
      ::_exit(why == Woken::kSignal && plan_.stop == Plan::Stop::kAtEnd ? kInterrupted : kDone);
    }
    for (Source& s : sources_) s.thread.join();
    return exit_code(why);
  }

 private:
  struct Source {
    std::string topic;
    client::Reader reader;
    std::thread thread;
  };
  enum class Woken { kDone, kSignal, kClosedPipe };

  int exit_code(Woken why) const {
    if (closed_ && unwritten_.reason() != kPipeClosed) return complain("consume", unwritten_);
    if (why == Woken::kClosedPipe || closed_) return kDone;
    if (failed_ == 0 && left_out_ > 0) return kSomeFailed;
    if (failed_ > 0) return topics_ == 1 ? first_exit_.load() : exit_of(failed_, topics_);
    return why == Woken::kSignal && plan_.stop == Plan::Stop::kAtEnd ? kInterrupted : kDone;
  }

  // Until all readers have ended, or there is a reason to end them.
  Woken wait(const Interrupts& interrupts) {
    pollfd events[3] = {{done_.fd(), POLLIN, 0}, {interrupts.fd(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    for (;;) {
      if (::poll(events, 3, -1) < 0) continue;
      if (events[0].revents != 0) return Woken::kDone;
      if (events[1].revents != 0) return Woken::kSignal;
      if ((events[2].revents & POLLERR) != 0) return Woken::kClosedPipe;
      if (events[2].revents != 0) events[2].fd = -1;  // a file that cannot be waited for
    }
  }
  bool leave() {
    stop();
    pollfd ended{done_.fd(), POLLIN, 0};
    return ::poll(&ended, 1, kLeaveMs) > 0;
  }
  void stop() {
    stopping_ = true;
    for (Source& s : sources_) s.reader.cancel();
  }

  void read(Source& from) {
    while (!stopping_ && !closed_) {
      auto set = from.reader.next_batch(nanoseconds(0));
      if (set && !*set && !from.reader.finished()) {
        flush();  // nothing is ready: what was printed is wanted now
        set = from.reader.next_batch(seconds(1));
      }
      if (!set) {
        if (!stopping_) fail(from, set.error());
        break;
      }
      if (!*set) {
        if (from.reader.finished()) break;
        continue;
      }
      if (const Status printed = print(from, **set); !printed.ok()) {
        fail(from, printed);
        break;
      }
    }
    left_out_ += from.reader.lost().size() + (from.reader.missed() > 0 ? 1 : 0);
    flush();
    if (++ended_ == sources_.size()) done_.raise();
  }

  Status print(const Source& from, client::RecordSet& set) {
    const std::lock_guard lock(mutex_);
    while (printed_ < plan_.records_max && !closed_) {
      ION_TRY(const std::optional<batch::Record> record, set.next());
      if (!record) return {};
      RecordView view = view_of(*record, set.batch());
      view.topic = from.topic, view.partition = set.partition(), view.log = set.log(), view.number = ++printed_;
      if (plan_.format) plan_.format->write(view, output_);
      else append_json_line(view, output_);
      if (output_.size() >= kOutputBytes) flush_locked();
    }
    stop();
    return {};
  }

  void flush() {
    const std::lock_guard lock(mutex_);
    flush_locked();
  }
  void flush_locked() {
    if (!output_.empty() && !closed_) {
      unwritten_ = write_all(output_);
      closed_ = !unwritten_.ok();
      if (closed_) stop();
    }
    output_.clear();
  }

  void fail(const Source& from, const Status& why) {
    flush();
    count_failed(complain("consume " + from.topic, why));
  }
  void count_failed(int code) {
    if (failed_++ == 0) first_exit_ = code;
  }

  const Plan& plan_;
  Flag done_;  // raised when all have ended
  std::deque<Source> sources_;
  size_t topics_ = 0;  // asked for; sources_ has those that can be read
  std::atomic<bool> stopping_{false}, closed_{false};
  std::atomic<size_t> ended_{0}, failed_{0}, left_out_{0};  // sources, sources, partitions and readers with gaps
  std::atomic<int> first_exit_{kFailed};

  std::mutex mutex_;  // of what follows
  std::string output_;
  Status unwritten_;  // why output was closed
  uint64_t printed_ = 0;
};

void declare_consume(OptionSet& options) {
  options.positionals(1, kTopicsMax)
      .value("offset,o", "where to begin: start, end, N, +N after the start, -N before the end, or a range A:B, or a time @TIME or @TIME:TIME such as @-1h, @2026-01-31, @2026-01-31T12:00:00Z:30m", "start")
      .flag("end,e", "stop at the end that is there now")
      .flag("fail-on-gap", "end with an error when records are deleted before they are read, instead of going on behind them")
      .flag("skip-damage", "tell records that the broker's disk has lost, and go on behind them")
      .value("records,n", "stop after so many")
      .values("partitions,p", "only these, as in 0,1")
      .value("format,f", "of a record: json (a line each), or text with the fields below", "json")
      .notes("Fields of -f, with text between them:\n" + fields_help(FormatUse::kWritten));
}

Status named_once(const std::vector<std::string>& topics) {
  for (auto at = topics.begin(); at != topics.end(); ++at)
    if (std::find(topics.begin(), at, *at) != at) return usage(fmt::format("topic {} is named twice", *at));
  return {};
}

int consume(const Arguments& arguments, const Context& context) {
  const auto plan = plan_of(arguments);
  if (!plan) return complain("consume", plan.error());
  if (const Status once = named_once(arguments.positionals()); !once.ok()) return complain("consume", once);
  const Interrupts interrupts;
  if (const Status room = room_for_a_client(); !room.ok()) return complain("consume " + arguments.positionals()[0], room);
  std::optional<EndedBySignal> waiting(interrupts);
  auto client = connect(context);
  if (!client) return complain("consume " + arguments.positionals()[0], client.error());
  Consumption consumption(*plan);
  for (const std::string& topic : arguments.positionals()) consumption.add(*client, topic, context.timeout);
  waiting.reset();
  return consumption.run(interrupts);
}

}  // namespace

std::span<const Command> commands_in_consume() {
  static constexpr Command kCommands[] = {
      {210, "consume", "TOPIC...", "Prints records, and waits for more.", declare_consume, consume},
  };
  return kCommands;
}

}  // namespace ion::cli
