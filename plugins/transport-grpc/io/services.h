// What handlers stand on: the host's side, the listener's side, and the few things that calls share.
// Built once per plugin instance; outlives every call. Thread: any, each member says how.
#pragma once
#include "core/rpc_table.h"
#include "io/sessions.h"
#include "transport_grpc_config.h"
#include "transport_grpc_metrics.h"

#include <ion/abi/host/rpc.h>
#include <ion/contract/broker_api.h>
#include <ion/limited_jobs.h>
#include <ion/plugin.h>

#include <atomic>
#include <cstdint>
#include <utility>

namespace ion::transport_grpc {

class Reflection;

// Records that were decoded into messages and wait for readers: unlike batches, which are lent by the storage, they are memory.
// Thread: any.
struct DecodedMemory {
  std::atomic<uint64_t> bytes{0};    // held now
  std::atomic<uint64_t> streams{0};  // that may hold some
};
// The most of it: a part of memory_bytes_max.
inline uint64_t decoded_bytes_max(const TransportGrpcConfig& config) { return config.memory_bytes_max / 4; }

// What one call holds of it for batches that it opened. Thread: the call's, or that of its decoding.
class OpenedMemory {
 public:
  OpenedMemory(DecodedMemory& of, uint64_t bytes_max) : of_(of), bytes_max_(bytes_max) {}
  OpenedMemory(const OpenedMemory&) = delete;
  OpenedMemory& operator=(const OpenedMemory&) = delete;
  ~OpenedMemory() { give_back(); }
  // OVERLOADED where others hold too much; who is alone, with at most `also` bytes of its own beside these, always gets it.
  Status take(uint64_t bytes, uint64_t also = 0) {
    const uint64_t before = of_.bytes.fetch_add(bytes, std::memory_order_relaxed);
    if (before <= held_ + also || before + bytes <= bytes_max_) return held_ += bytes, Status();
    of_.bytes.fetch_sub(bytes, std::memory_order_relaxed);
    return {ION_E_OVERLOADED, "readers of messages hold " + std::to_string(before) + " bytes, " + std::to_string(bytes) + " more to open a batch do not fit into " +
                                  std::to_string(bytes_max_) + ", a quarter of memory_bytes_max", "MEMORY"};
  }
  void give_back() noexcept { of_.bytes.fetch_sub(std::exchange(held_, 0), std::memory_order_relaxed); }

 private:
  DecodedMemory& of_;
  const uint64_t bytes_max_;
  uint64_t held_ = 0;
};

// The settings that may change while calls go on; what is in `Services::config` beside them stays as it was at create.
// Thread: any; each is read by itself.
struct ReloadableSettings {
  explicit ReloadableSettings(const TransportGrpcConfig& config) { take(config); }
  void take(const TransportGrpcConfig& config) noexcept {
    calls_max = config.calls_max, subscribe_parts_max = config.subscribe_parts_max, fetch_wait_max_ns = config.fetch_wait_max.n;
  }
  std::atomic<uint32_t> calls_max{0}, subscribe_parts_max{0};
  std::atomic<int64_t> fetch_wait_max_ns{0};
};

struct Services {
  Services(Host the_host, TransportGrpcConfig the_config, RpcTable the_rpcs)
      : host(the_host), config(std::move(the_config)), reloadable(config), rpcs(std::move(the_rpcs)) {}

  const Host host;
  const TransportGrpcConfig config;
  ReloadableSettings reloadable;
  const RpcTable rpcs;
  BrokerApi* api = nullptr;       // ANY
  Random* random = nullptr;        // ANY
  LimitedJobs* opening = nullptr;  // ANY; where compressed batches are opened
  Reflection* reflection = nullptr;  // filled in start(), then read only
  ion_ref rpc{};                   // ion.rpc/1, if the host has it
  TransportMetrics metrics;
  Sessions sessions;
  DecodedMemory decoded;
  std::atomic<uint64_t> produced_bytes{0};  // of batches that produce streams have in flight, as they are held; ANY
  std::atomic<uint64_t> op_ids{1};          // seeded at start: other plugins cancel ops at the same broker API
  std::atomic<uint64_t> sticky{0};          // messages without a key go where this points, one request after the other

  uint64_t next_op_id() noexcept { return op_ids.fetch_add(1, std::memory_order_relaxed); }
};

}  // namespace ion::transport_grpc
