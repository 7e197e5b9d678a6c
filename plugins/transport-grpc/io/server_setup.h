// gRPC's server object for an address: arguments, limits, the port. And why a port could not be had.
#pragma once
#include "core/listen_address.h"
#include "io/server_driver.h"
#include "transport_grpc_config.h"

#include <ion/result.h>

#include <memory>
#include <string>

namespace grpc {
class Server;
}

namespace ion::transport_grpc {

struct BuiltServer {
  std::unique_ptr<grpc::Server> server;
  ListenAddress at;  // with the real port
};
Result<BuiltServer> build_server(const ListenAddress& at, const TransportGrpcConfig& config, ServerDriver& driver);

}  // namespace ion::transport_grpc
