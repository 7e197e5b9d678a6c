// The driver on completion queues: some threads, each with one queue of its own and calls posted ahead on it.
// Its threads are the one place where this plugin does not use the host's executors: gRPC wants a thread inside Next().
#pragma once
#include "io/server_driver.h"

#include <cstdint>
#include <memory>

namespace ion::transport_grpc {

struct CqOptions {
  uint32_t threads = 0;    // 0: one per core
  uint32_t accepts = 100;  // calls posted ahead, per queue
};
std::unique_ptr<ServerDriver> make_cq_driver(const DriverServices& world, CqOptions options);

}  // namespace ion::transport_grpc
