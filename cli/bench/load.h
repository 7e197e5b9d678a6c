// The loads of `ion bench`: closed loop, so many clients, so many records of a size, random payload from a seed. The same code
// runs against the real broker and the null broker.
#pragma once
#include "bench/latency_recorder.h"

#include <ion/client/options.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ion::bench {

struct LoadShape {
  std::string topic;
  uint64_t record_bytes = 1024;
  uint64_t records = 1'000'000;     // in all, over the clients
  uint32_t clients = 1;             // each with its own producer or reader
  uint32_t connections = 1;         // over which the clients go in turn; each has a thread of the client library
  uint64_t batch_bytes = 256 << 10;
  Nanos linger = milliseconds(5);
  client::Acks acks = client::Acks::kAll;
  bool one_in_flight = false;       // each client waits for its record before it sends the next one
  uint64_t seed = 1;
};

// What one run measured. MB are 10^6 bytes of values.
struct Figures {
  uint64_t records = 0, bytes = 0, errors = 0, retries = 0, batches = 0;
  double seconds = 0;
  Status first_error;       // of `errors`
  LatencyRecorder latency;  // produce: from send to receipt; consume: from asking to having a set of records
  double records_per_s() const { return seconds == 0 ? 0 : static_cast<double>(records) / seconds; }
  double mb_per_s() const { return seconds == 0 ? 0 : static_cast<double>(bytes) / 1e6 / seconds; }
  void add(const Figures& round);  // that came after this one
};

// Both end with UNREACHABLE when no broker answers any more; figures of an outage are of no use.
// FAILED when every record failed; else the errors are counted.
Result<Figures> run_produce(const std::vector<std::string>& brokers, const LoadShape& shape);
// Reads `records` records from the start, every checksum looked at. OUT_OF_RANGE when the topic ends before.
Result<Figures> run_consume(const std::vector<std::string>& brokers, const LoadShape& shape);

}  // namespace ion::bench
