// The driver on gRPC's callback API: gRPC brings the threads.
#pragma once
#include "io/server_driver.h"

#include <memory>

namespace ion::transport_grpc {

std::unique_ptr<ServerDriver> make_callback_driver(const DriverServices& world);

}  // namespace ion::transport_grpc
