// consume: records of topics to stdout. One thread reads and prints per topic; the main thread waits for signals and closed pipes.
#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>

#include "command.h"
#include "core/offset_range.h"
#include "core/record_format.h"
#include "core/units.h"
#include "process.h"

namespace ion::cli {

namespace {

constexpr size_t kTopicsMax = 256;  // a thread each
constexpr size_t kOutputBytes = 1 << 20;
constexpr int kLeaveMs = 2000;      // what readers get to end after a signal

struct Plan {
  OffsetRange range;
  std::vector<int32_t> partitions;      // none: all
  std::optional<OutputFormat> format;   // none: JSON lines
  uint64_t records_max = std::numeric_limits<uint64_t>::max();
  enum class Stop { kNever, kAtEnd } stop = Stop::kNever;
};

Result<Plan> plan_of(const Arguments& a) {
  Plan plan;
  auto range = OffsetRange::parse(a.text("offset"));
  if (!range) return usage("--offset: " + range.error().message());
  plan.range = *std::move(range);
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
  return plan;
}

// Where each partition begins and ends; asks the broker only where the words need it. A partition that cannot be read is told and left
// out; `left_out` counts them.
Result<client::ReaderOptions> reader_options(client::Client& client, const Plan& plan, const std::string& topic, Nanos timeout, size_t& left_out) {
  client::ReaderOptions options;
  options.topic = topic;
  options.on_lost = client::ReaderOptions::OnLost::kGoOn;
  if (plan.stop == Plan::Stop::kAtEnd || plan.range.until()) options.unreachable_timeout = timeout;
  options.partitions = plan.partitions;
  options.stop_at_end = plan.stop == Plan::Stop::kAtEnd;
  if (!plan.range.needs_ends()) {
    const bool start = plan.range.from().base == OffsetPoint::Base::kStart;
    options.from = start ? client::ReaderOptions::From::kStart : client::ReaderOptions::From::kEnd;
    return options;
  }
  ION_TRY(const auto starts, client.admin().list_offsets(topic, plan.partitions, client::OffsetOf::kStart, timeout));
  ION_TRY(const auto ends, client.admin().list_offsets(topic, plan.partitions, client::OffsetOf::kEnd, timeout));
  for (const client::PartitionOffset& start : starts) {
    const auto end = std::find_if(ends.begin(), ends.end(), [&](const auto& e) { return e.partition == start.partition; });
    const Status& wrong = !start.error.ok() || end == ends.end() ? start.error : end->error;
    const std::string where = fmt::format("topic {} partition {}: ", topic, start.partition.v);
    if (!wrong.ok()) {
      if (++left_out == starts.size()) return Status(wrong.code(), where + wrong.message(), wrong.reason());
      (void)complain("consume " + topic, Status(wrong.code(), fmt::format("partition {} cannot be read and is left out: {}", start.partition.v, wrong.message()), wrong.reason()));
      continue;
    }
    if (end == ends.end()) continue;
    const auto span = plan.range.within({start.offset, end->offset});
    if (!span) return Status(span.error().code(), where + span.error().message(), span.error().reason());
    options.offsets.push_back({start.partition.v, span->from.v, span->until ? span->until->v : -1});
  }
  if (left_out == 0) return options;
  options.partitions.clear();
  for (const auto& at : options.offsets) options.partitions.push_back(at.partition);
  return options;
}

class Consumption {
 public:
  explicit Consumption(const Plan& plan) : plan_(plan) { output_.reserve(kOutputBytes + (64 << 10)); }
  Consumption(const Consumption&) = delete;
  Consumption& operator=(const Consumption&) = delete;

  void leave_out(size_t partitions) { left_out_ += partitions; }
  void add(std::string topic, client::Reader reader) { sources_.push_back({std::move(topic), std::move(reader), {}}); }

  int run(const Interrupts& interrupts) {
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
    if (failed_ > 0) return sources_.size() == 1 ? first_exit_.load() : exit_of(failed_, sources_.size());
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
    left_out_ += from.reader.lost().size();
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
    const int code = complain("consume " + from.topic, why);
    if (failed_++ == 0) first_exit_ = code;
  }

  const Plan& plan_;
  Flag done_;  // raised when all have ended
  std::deque<Source> sources_;
  std::atomic<bool> stopping_{false}, closed_{false};
  std::atomic<size_t> ended_{0}, failed_{0}, left_out_{0};  // sources, sources, partitions
  std::atomic<int> first_exit_{kFailed};

  std::mutex mutex_;  // of what follows
  std::string output_;
  Status unwritten_;  // why output was closed
  uint64_t printed_ = 0;
};

void declare_consume(OptionSet& options) {
  options.positionals(1, kTopicsMax)
      .value("offset,o", "where to begin: start, end, N, +N after the start, -N before the end, or a range A:B", "start")
      .flag("end,e", "stop at the end that is there now")
      .value("records,n", "stop after so many")
      .values("partitions,p", "only these, as in 0,1")
      .value("format,f", "of a record: json (a line each), or text with %t %k %v %p %o %d %u %K %V %T %H %h{...} %e %x %y %a{...} %i", "json");
}

int consume(const Arguments& arguments, const Context& context) {
  const auto plan = plan_of(arguments);
  if (!plan) return complain("consume", plan.error());
  const Interrupts interrupts;
  auto client = connect(context);
  if (!client) return complain("consume " + arguments.positionals()[0], client.error());
  Consumption consumption(*plan);
  for (const std::string& topic : arguments.positionals()) {
    size_t left_out = 0;
    const auto options = reader_options(*client, *plan, topic, context.timeout, left_out);
    if (!options) return complain("consume " + topic, options.error());
    auto reader = client->reader(*options);
    if (!reader) return complain("consume " + topic, reader.error());
    consumption.leave_out(left_out);
    consumption.add(topic, *std::move(reader));
  }
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
