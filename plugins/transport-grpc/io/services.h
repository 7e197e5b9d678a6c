// What handlers stand on: the host's side, the listener's side, and the few things that calls share.
// Built once per plugin instance; outlives every call. Thread: any, each member says how.
#pragma once
#include "core/rpc_table.h"
#include "io/sessions.h"
#include "transport_grpc_config.h"
#include "transport_grpc_metrics.h"

#include <ion/abi/host/rpc.h>
#include <ion/contract/broker_api.h>
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

struct Services {
  Services(Host the_host, TransportGrpcConfig the_config, RpcTable the_rpcs)
      : host(the_host), config(std::move(the_config)), rpcs(std::move(the_rpcs)) {}

  const Host host;
  const TransportGrpcConfig config;
  const RpcTable rpcs;
  BrokerApi* api = nullptr;       // ANY
  Random* random = nullptr;        // ANY
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
