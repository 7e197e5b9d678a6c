#include "bench/load.h"

#include <fmt/format.h>
#include <ion/client/client.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace ion::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr Nanos kConnectTimeout = seconds(30);
constexpr uint64_t kNoiseSpread = 1 << 20;
constexpr uint64_t kTimedOneIn = 16;  // records under load: two looks at the clock for each would be a good part of what is measured

uint64_t since(Clock::time_point then) { return static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - then).count()); }

// Random bytes from which every record takes another piece, so that nothing on the way can compress or repeat them.
std::string noise(uint64_t seed, uint64_t bytes) {
  std::mt19937_64 draw(seed);
  std::string s(bytes, '\0');
  for (char& c : s) c = static_cast<char>(draw());
  return s;
}

struct Sender {
  Figures figures;
  Status first_error;
};

// The client's thread alone writes the figures; they are read after flush.
Status send_all(client::Producer& producer, const LoadShape& shape, uint64_t records, const std::string& bytes, Sender& to) {
  const uint64_t spread = bytes.size() - shape.record_bytes;
  for (uint64_t i = 0; i < records; ++i) {
    client::Record record;
    record.value = std::string_view(bytes).substr(spread == 0 ? 0 : i * 61 % spread, shape.record_bytes);
    if (shape.one_in_flight) {
      const Clock::time_point sent = Clock::now();
      const auto receipt = producer.send(record).get();
      to.figures.latency.record(since(sent));
      if (receipt) ++to.figures.records;
      else if (to.figures.errors++ == 0) to.first_error = receipt.error();
      continue;
    }
    const Clock::time_point sent = i % kTimedOneIn == 0 ? Clock::now() : Clock::time_point();
    const Status taken = producer.send(record, [&to, sent](const Result<client::Receipt>& receipt) {
      if (sent != Clock::time_point()) to.figures.latency.record(since(sent));
      if (receipt) ++to.figures.records;
      else if (to.figures.errors++ == 0) to.first_error = receipt.error();
    });
    if (!taken.ok()) return taken;
  }
  return producer.flush(seconds(300));
}

void produce_one(client::Client& client, const LoadShape& shape, uint64_t records, const std::string& bytes, Sender& to) {
  client::ProducerOptions how;
  how.acks = shape.acks;
  how.linger = shape.linger;
  how.batch_bytes_ready = shape.batch_bytes;
  how.batch_bytes_max = std::max<uint64_t>(shape.batch_bytes, how.batch_bytes_max);
  auto producer = client.producer(shape.topic, how);
  const Status sent = send_all(producer, shape, records, bytes, to);
  if (!sent.ok() && to.first_error.ok()) to.first_error = sent;
  const client::ProducerCounts counts = producer.counts();
  to.figures.retries = counts.retries;
  to.figures.batches = counts.batches;
  (void)producer.close(seconds(10));
}

void consume_one(client::Client& client, const LoadShape& shape, uint64_t records, Sender& to) {
  client::ReaderOptions what;
  what.topic = shape.topic;
  auto reader = client.reader(what);
  if (!reader) return void(to.first_error = reader.error());
  while (to.figures.records < records) {
    const Clock::time_point asked = Clock::now();
    auto set = reader->next_batch(seconds(20));
    if (!set) return void(to.first_error = set.error());
    if (!*set)
      return void(to.first_error = Status(ION_E_OUT_OF_RANGE, fmt::format("topic {}: want {} records, have {}", shape.topic, records, to.figures.records)));
    to.figures.latency.record(since(asked));
    ++to.figures.batches;
    for (;;) {
      auto record = (*set)->next();
      if (!record) return void(to.first_error = record.error());
      if (!*record) break;
      if (to.figures.records == records) break;
      ++to.figures.records;
      to.figures.bytes += (*record)->value ? (*record)->value->size() : 0;
    }
  }
}

// Runs one sender per client, all from the same moment on: the clock starts when all are connected.
template <class Run>
Result<Figures> together(const std::vector<std::string>& brokers, const LoadShape& shape, Run run) {
  client::ClientOptions where;
  where.brokers = brokers;
  where.connect_timeout = kConnectTimeout;
  std::vector<client::Client> clients;
  for (uint32_t c = 0; c < shape.clients; ++c) {
    ION_TRY(client::Client client, client::Client::connect(where));
    clients.push_back(std::move(client));
  }
  std::vector<Sender> senders(shape.clients);
  std::vector<std::thread> threads;
  const Clock::time_point began = Clock::now();
  for (uint32_t c = 0; c < shape.clients; ++c) {
    const uint64_t share = shape.records / shape.clients + (c < shape.records % shape.clients ? 1 : 0);
    threads.emplace_back([&, c, share] { run(clients[c], share, senders[c]); });
  }
  for (std::thread& t : threads) t.join();
  Figures all;
  all.seconds = static_cast<double>(since(began)) / 1e9;
  Status first;
  for (const Sender& s : senders) {
    all.records += s.figures.records, all.bytes += s.figures.bytes, all.errors += s.figures.errors;
    all.retries += s.figures.retries, all.batches += s.figures.batches;
    all.latency.merge(s.figures.latency);
    if (first.ok()) first = s.first_error;
  }
  if (all.records == 0 && !first.ok()) return first;
  if (all.errors == 0 && !first.ok()) return first;
  return all;
}

}  // namespace

void Figures::add(const Figures& round) {
  records += round.records, bytes += round.bytes, errors += round.errors, retries += round.retries, batches += round.batches;
  seconds += round.seconds;
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
