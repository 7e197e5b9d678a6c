#include "bench/load.h"

#include <fmt/format.h>
#include <ion/client/client.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

namespace ion::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr Nanos kConnectTimeout = seconds(30);
constexpr uint64_t kNoiseSpread = 1 << 20;
constexpr Nanos kDelivery = seconds(300);
constexpr Nanos kSilence = seconds(20);     // of a topic that ought to have more records
constexpr Nanos kAtOnce = milliseconds(1);
constexpr uint64_t kTimedOneIn = 16;  // records under load: two looks at the clock for each would be a good part of what is measured

uint64_t since(Clock::time_point then) { return static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - then).count()); }

// Random bytes from which every record takes another piece, so that nothing on the way can compress or repeat them.
std::string noise(uint64_t seed, uint64_t bytes) {
  std::mt19937_64 draw(seed);
  std::string s(bytes, '\0');
  for (char& c : s) c = static_cast<char>(draw());
  return s;
}

std::string_view value_of(std::string_view bytes, uint64_t record, uint64_t record_bytes) {
  const uint64_t spread = bytes.size() - record_bytes;
  return bytes.substr(spread == 0 ? 0 : record * 61 % spread, record_bytes);
}

// One client of a run: what it measures, and how another thread ends it.
class Sender {
 public:
  Figures figures;
  Status first_error;

  // From now until works_alone(), `end` wakes the thread of this client, whatever it waits for.
  void works_with(std::function<void()> end) {
    const std::lock_guard lock(mutex_);
    end_ = std::move(end);
    if (ending_) end_();
  }
  void works_alone() {
    const std::lock_guard lock(mutex_);
    end_ = nullptr;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (end_) end_();
  }

 private:
  std::mutex mutex_;
  std::function<void()> end_;
  bool ending_ = false;
};

// Whether a run goes on: until all its clients have ended, or no broker answers any more. What waits then would wait for its whole
// delivery timeout, and the figures would be those of the outage.
class Course {
 public:
  explicit Course(uint32_t clients) : running_(clients) {}

  void told(const client::ClientEvent& event) {
    if (event.what != client::ClientEvent::What::kLost) return;
    const std::lock_guard lock(mutex_);
    const size_t cause = event.text.find(": ");
    lost_ = Status(ION_E_CLOSED, "the broker went away during the measurement" + (cause == std::string::npos ? "" : event.text.substr(cause)), "UNREACHABLE");
    changed_.notify_all();
  }
  void one_ended() {
    const std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
  }
  // OK: all have ended.
  Status wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_ == 0 || !lost_.ok(); });
    return running_ == 0 ? Status() : lost_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t running_;
  Status lost_;
};

// One record at a time, the next one from the receipt of the last: many such producers cost no thread each, and what is measured is
// the broker and not how this machine wakes threads.
class Chain : public std::enable_shared_from_this<Chain> {  // kept by the receipt that is awaited
 public:
  Chain(client::Producer& producer, const LoadShape& shape, uint64_t records, const std::string& bytes, Sender& to)
      : producer_(producer), shape_(shape), records_(records), bytes_(bytes), to_(to) {}

  Status run() {
    send();
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::nanoseconds(kDelivery.n), [&] { return ended_; })) return {ION_E_DEADLINE, "the records were not delivered in time"};
    return failed_;
  }

 private:
  void send() {
    client::Record record;
    record.value = value_of(bytes_, sent_, shape_.record_bytes);
    ++sent_;
    began_ = Clock::now();
    const Status taken = producer_.send(record, [self = shared_from_this()](const Result<client::Receipt>& receipt) { self->received(receipt); });
    if (!taken.ok()) end(taken);
  }
  void received(const Result<client::Receipt>& receipt) {
    to_.figures.latency.record(since(began_));
    if (receipt) ++to_.figures.records;
    else if (to_.figures.errors++ == 0) to_.first_error = receipt.error();
    if (sent_ < records_) send();
    else end({});
  }
  void end(const Status& why) {
    const std::lock_guard lock(mutex_);
    failed_ = why, ended_ = true;
    changed_.notify_all();
  }

  client::Producer& producer_;
  const LoadShape& shape_;
  const uint64_t records_;
  const std::string& bytes_;
  Sender& to_;
  uint64_t sent_ = 0;
  Clock::time_point began_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Status failed_;
  bool ended_ = false;
};

// The client's thread alone writes the figures; they are read after flush.
Status send_all(client::Producer& producer, const LoadShape& shape, uint64_t records, const std::string& bytes, Sender& to) {
  if (shape.one_in_flight) return records == 0 ? Status() : std::make_shared<Chain>(producer, shape, records, bytes, to)->run();
  for (uint64_t i = 0; i < records; ++i) {
    client::Record record;
    record.value = value_of(bytes, i, shape.record_bytes);
    const Clock::time_point sent = i % kTimedOneIn == 0 ? Clock::now() : Clock::time_point();
    const Status taken = producer.send(record, [&to, sent](const Result<client::Receipt>& receipt) {
      if (sent != Clock::time_point()) to.figures.latency.record(since(sent));
      if (receipt) ++to.figures.records;
      else if (to.figures.errors++ == 0) to.first_error = receipt.error();
    });
    if (!taken.ok()) return taken;
  }
  return producer.flush(kDelivery);
}

void produce_one(client::Client& client, const LoadShape& shape, uint64_t records, const std::string& bytes, Sender& to) {
  client::ProducerOptions how;
  how.sharing = client::ProducerOptions::Sharing::kOwn;
  how.acks = shape.acks;
  how.linger = shape.linger;
  how.batch_bytes_ready = shape.batch_bytes;
  how.batch_bytes_max = std::max<uint64_t>(shape.batch_bytes, how.batch_bytes_max);
  auto producer = client.producer(shape.topic, how);
  to.works_with([&producer] { (void)producer.close(kAtOnce); });
  const Status sent = send_all(producer, shape, records, bytes, to);
  to.works_alone();
  if (!sent.ok() && to.first_error.ok()) to.first_error = sent;
  const client::ProducerCounts counts = producer.counts();
  to.figures.retries = counts.retries;
  to.figures.batches = counts.batches;
  (void)producer.close(seconds(10));
}

Status read_all(client::Reader& reader, const LoadShape& shape, uint64_t records, Sender& to) {
  while (to.figures.records < records) {
    const Clock::time_point asked = Clock::now();
    ION_TRY(auto set, reader.next_batch(kSilence));
    if (!set)
      return {ION_E_OUT_OF_RANGE, fmt::format("topic {}: want {} records, have {}, and nothing more came within {} s", shape.topic, records, to.figures.records, kSilence.n / 1'000'000'000)};
    to.figures.latency.record(since(asked));
    ++to.figures.batches;
    for (;;) {
      ION_TRY(const auto record, set->next());
      if (!record || to.figures.records == records) break;
      ++to.figures.records;
      to.figures.bytes += record->value ? record->value->size() : 0;
    }
  }
  return {};
}

void consume_one(client::Client& client, const LoadShape& shape, uint64_t records, Sender& to) {
  client::ReaderOptions what;
  what.topic = shape.topic;
  auto reader = client.reader(what);
  if (!reader) return void(to.first_error = reader.error());
  to.works_with([&reader] { reader->cancel(); });
  to.first_error = read_all(*reader, shape, records, to);
  to.works_alone();
}

// Runs one sender per client, all from the same moment on: the clock starts when all are connected.
template <class Run>
Result<Figures> together(const std::vector<std::string>& brokers, const LoadShape& shape, Run run) {
  client::ClientOptions where;
  where.brokers = brokers;
  where.connect_timeout = kConnectTimeout;
  Course course(shape.clients);
  where.on_event = [&course](const client::ClientEvent& event) { course.told(event); };
  std::vector<client::Client> clients;
  for (uint32_t c = 0; c < std::clamp(shape.connections, 1u, shape.clients); ++c) {
    ION_TRY(client::Client client, client::Client::connect(where));
    clients.push_back(std::move(client));
  }
  std::vector<Sender> senders(shape.clients);
  std::vector<std::thread> threads;
  const Clock::time_point began = Clock::now();
  for (uint32_t c = 0; c < shape.clients; ++c) {
    const uint64_t share = shape.records / shape.clients + (c < shape.records % shape.clients ? 1 : 0);
    threads.emplace_back([&, c, share] {
      run(clients[c % clients.size()], share, senders[c]);
      course.one_ended();
    });
  }
  const Status went = course.wait();
  if (!went.ok())
    for (Sender& s : senders) s.end();
  for (std::thread& t : threads) t.join();
  ION_CHECK(went);
  Figures all;
  all.seconds = static_cast<double>(since(began)) / 1e9;
  Status first;
  for (const Sender& s : senders) {
    all.records += s.figures.records, all.bytes += s.figures.bytes, all.errors += s.figures.errors;
    all.retries += s.figures.retries, all.batches += s.figures.batches;
    all.latency.merge(s.figures.latency);
    if (first.ok()) first = s.first_error;
  }
  all.first_error = first;
  if (all.records == 0 && !first.ok()) return first;
  if (all.errors == 0 && !first.ok()) return first;
  return all;
}

}  // namespace

void Figures::add(const Figures& round) {
  records += round.records, bytes += round.bytes, errors += round.errors, retries += round.retries, batches += round.batches;
  seconds += round.seconds;
  if (first_error.ok()) first_error = round.first_error;
  latency.merge(round.latency);
}

Result<Figures> run_produce(const std::vector<std::string>& brokers, const LoadShape& shape) {
  const std::string bytes = noise(shape.seed, shape.record_bytes + kNoiseSpread);  // made before the clock starts
  ION_TRY(Figures all, together(brokers, shape, [&](client::Client& client, uint64_t share, Sender& to) { produce_one(client, shape, share, bytes, to); }));
  all.bytes = all.records * shape.record_bytes;
  return all;
}

Result<Figures> run_consume(const std::vector<std::string>& brokers, const LoadShape& shape) {
  return together(brokers, shape, [&](client::Client& client, uint64_t share, Sender& to) { consume_one(client, shape, share, to); });
}

}  // namespace ion::bench
