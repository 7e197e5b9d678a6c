#include "bench/report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ion::bench {

namespace {
nlohmann::ordered_json figures_json(const Figures& f) {
  return {{"records_per_s", f.records_per_s()},
          {"mb_per_s", f.mb_per_s()},
          {"p50_us", f.latency.percentile_us(0.5)},
          {"p90_us", f.latency.percentile_us(0.9)},
          {"p99_us", f.latency.percentile_us(0.99)},
          {"p999_us", f.latency.percentile_us(0.999)},
          {"max_us", f.latency.max_us()},
          {"mean_us", f.latency.mean_us()},
          {"records", f.records},
          {"bytes", f.bytes},
          {"batches", f.batches},
          {"seconds", f.seconds},
          {"errors", f.errors},
          {"retries", f.retries}};
}
std::string figures_text(const Figures& f) {
  return fmt::format("{:.0f} records/s, {:.1f} MB/s ({:.1f} MiB/s), p50 {:.0f} us, p99 {:.0f} us, p99.9 {:.0f} us, max {:.0f} us", f.records_per_s(),
                     f.mb_per_s(), f.mb_per_s() * 1e6 / 1048576.0, f.latency.percentile_us(0.5), f.latency.percentile_us(0.99),
                     f.latency.percentile_us(0.999), f.latency.max_us());
}
double share(double part, double whole) { return whole == 0 ? 0 : part / whole; }
const char* acks_name(client::Acks acks) {
  switch (acks) {
    case client::Acks::kAll: return "all";
    case client::Acks::kLeader: return "leader";
    default: return "none";
  }
}
}  // namespace

std::string as_json(const Report& r) {
  nlohmann::ordered_json j = figures_json(r.real);
  j["what"] = r.what;
  j["topic"] = r.shape.topic;
  j["record_bytes"] = r.shape.record_bytes;
  j["clients"] = r.shape.clients;
  j["connections"] = r.shape.connections;
  j["batch_bytes"] = r.shape.batch_bytes;
  j["linger_us"] = r.shape.linger.n / 1000;
  j["acks"] = acks_name(r.shape.acks);
  j["one_in_flight"] = r.shape.one_in_flight;
  j["seed"] = r.shape.seed;
  j["durability"] = r.durability;
  if (r.null_broker) {
    j["null"] = figures_json(*r.null_broker);
    j["ratio"] = share(r.real.records_per_s(), r.null_broker->records_per_s());
  }
  if (r.raw) {
    j["raw"] = {{"mb_per_s", r.raw->mb_per_s()}};
    if (r.null_broker) j["null_ratio"] = share(r.null_broker->mb_per_s(), r.raw->mb_per_s());
  }
  if (r.file) {
    j["file"] = {{"mb_per_s", r.file->mb_per_s()}};
    j["file_ratio"] = share(r.real.mb_per_s(), r.file->mb_per_s());
  }
  j["rounds"] = r.rounds;
  return j.dump() + "\n";
}

std::string as_text(const Report& r) {
  std::string text = fmt::format("{} {}: {} records of {} B, {} client(s), batches of {} B, linger {} us, acks {}, durability {}, seed {}\n", r.what,
                                 r.shape.topic, r.shape.records, r.shape.record_bytes, r.shape.clients, r.shape.batch_bytes, r.shape.linger.n / 1000,
                                 acks_name(r.shape.acks), r.durability, r.shape.seed);
  text += fmt::format("broker  {}\n", figures_text(r.real));
  if (r.real.errors + r.real.retries != 0) text += fmt::format("        {} errors, {} retries\n", r.real.errors, r.real.retries);
  if (r.null_broker) {
    text += fmt::format("null    {}\n", figures_text(*r.null_broker));
    text += fmt::format("ratio   {:.2f} of the null broker\n", share(r.real.records_per_s(), r.null_broker->records_per_s()));
  }
  if (r.raw) {
    text += fmt::format("raw     {:.1f} MB/s of a raw ByteBuffer stream\n", r.raw->mb_per_s());
    if (r.null_broker) text += fmt::format("        the null broker is {:.2f} of it\n", share(r.null_broker->mb_per_s(), r.raw->mb_per_s()));
  }
  if (r.file) text += fmt::format("file    {:.1f} MB/s into a file, the broker is {:.2f} of it\n", r.file->mb_per_s(), share(r.real.mb_per_s(), r.file->mb_per_s()));
  const Figures& f = r.real;
  return text + fmt::format("{} records sent, {:.6f} records/sec ({:.2f} MB/sec), {:.2f} ms avg latency, {:.2f} ms max latency, {:.0f} ms 50th, {:.0f} ms 95th, "
                            "{:.0f} ms 99th, {:.0f} ms 99.9th.\n",
                            f.records, f.records_per_s(), f.mb_per_s() * 1e6 / 1048576.0, f.latency.mean_us() / 1e3, f.latency.max_us() / 1e3,
                            f.latency.percentile_us(0.5) / 1e3, f.latency.percentile_us(0.95) / 1e3, f.latency.percentile_us(0.99) / 1e3,
                            f.latency.percentile_us(0.999) / 1e3);
}

}  // namespace ion::bench
