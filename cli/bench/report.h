// What `ion bench` says: one JSON object, or text whose last line has the fields of kafka-producer-perf-test in its order.
#pragma once
#include "bench/load.h"

#include <optional>
#include <string>

namespace ion::bench {

struct Report {
  std::string what;        // "produce" | "consume"
  LoadShape shape;
  std::string durability;  // of the topic, in words
  Figures real;
  std::optional<Figures> null_broker;  // the same load, the same client, a broker that stores nothing
  std::optional<double> raw_mb_per_s;  // a raw ByteBuffer stream of messages of the batch's size
};

std::string as_json(const Report& report);
std::string as_text(const Report& report);

}  // namespace ion::bench
