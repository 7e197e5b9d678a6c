// gRPC's server object for an address: arguments, limits, the port. And why a port could not be had.
#pragma once
#include "core/listen_address.h"
#include "transport_grpc_config.h"

#include <ion/result.h>

#include <memory>
#include <string>

namespace grpc {
class CallbackGenericService;
class Server;
}

namespace ion::transport_grpc {

struct BuiltServer {
  std::unique_ptr<grpc::Server> server;
  ListenAddress at;  // with the real port
};
Result<BuiltServer> build_server(const ListenAddress& at, const TransportGrpcConfig& config, grpc::CallbackGenericService& service);

}  // namespace ion::transport_grpc
