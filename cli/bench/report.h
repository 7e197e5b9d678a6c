// What `ion bench` says: one JSON object, or text whose last line has the fields of kafka-producer-perf-test in its order.
#pragma once
#include "bench/load.h"

#include <optional>
#include <string>

namespace ion::bench {

struct Volume {
  uint64_t bytes = 0;
  double seconds = 0;
  double mb_per_s() const { return seconds == 0 ? 0 : static_cast<double>(bytes) / 1e6 / seconds; }
};

struct Report {
  std::string what;        // "produce" | "consume"
  LoadShape shape;
  std::string durability;  // of the topic, in words
  Figures real;
  std::optional<Figures> null_broker;  // the same load, the same client, a broker that stores nothing
  std::optional<Volume> raw;           // a raw ByteBuffer stream of messages of the batch's size
  std::optional<Volume> file;          // pieces of the batch's size into a file
  uint32_t rounds = 1;                 // each of the above in turn, so often; the figures are over all of them
};

std::string as_json(const Report& report);
std::string as_text(const Report& report);

}  // namespace ion::bench
