#include "io/server_setup.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace ion::transport_grpc {
namespace {

constexpr uint64_t kEnvelopeBytes = 64 << 10;  // what an answer has beside its payload

int as_int(uint64_t n) { return static_cast<int>(std::min<uint64_t>(n, INT_MAX)); }

void set_arguments(grpc::ServerBuilder& builder, const TransportGrpcConfig& config) {
  builder.SetMaxReceiveMessageSize(as_int(config.message_bytes_max));
  builder.SetMaxSendMessageSize(as_int(config.message_bytes_max + kEnvelopeBytes));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second broker on the port must hear of it
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(config.streams_max));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, as_int(config.frame_bytes));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, as_int(config.lookahead_bytes));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, config.bdp_probe ? 1 : 0);
  builder.AddChannelArgument(GRPC_ARG_TCP_READ_CHUNK_SIZE, as_int(std::min<uint64_t>(config.read_chunk_bytes, 64 << 10)));
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, as_int(config.read_chunk_bytes));
  const int keepalive_ms = as_int(static_cast<uint64_t>(config.keepalive.n / 1'000'000));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Clients probe too: without this gRPC takes their probes for an attack and closes the connection.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  grpc::ResourceQuota quota("ion.transport-grpc");
  // The other quarter is that of decoded messages, which gRPC does not count. Beyond its part gRPC closes connections, largest or not.
  quota.Resize(config.memory_bytes_max / 4 * 3);
  builder.SetResourceQuota(quota);
}

// gRPC only says that there is no server. Asks the system for the same port, to learn why.
Status why_not(const ListenAddress& at) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET, v4.sin_port = htons(at.port);
  v6.sin6_family = AF_INET6, v6.sin6_port = htons(at.port);
  const bool is_v6 = inet_pton(AF_INET, at.host.c_str(), &v4.sin_addr) != 1;
  if (is_v6 && inet_pton(AF_INET6, at.host.c_str(), &v6.sin6_addr) != 1) return {ION_E_INVALID, "listen: " + at.host + " is no address"};
  const int probe = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  int error = probe < 0 ? errno : 0;
  if (probe >= 0) {
    (void)::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // as gRPC does: a port in TIME_WAIT is free
    const auto* name = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
    if (::bind(probe, name, is_v6 ? sizeof v6 : sizeof v4) != 0 || ::listen(probe, 1) != 0) error = errno;
    (void)::close(probe);
  }
  const std::string words = "listen: cannot listen on " + at.text();
  if (error == EADDRINUSE) return {ION_E_BUSY, words + ": the port is taken by another process"};
  if (error == EACCES || error == EPERM) return {ION_E_FORBIDDEN, words + ": ports below 1024 need a privilege"};
  if (error == 0) return {ION_E_BUSY, words + ": the port was taken a moment ago"};
  return {ION_E_INVALID, words + ": " + std::strerror(error)};
}

}  // namespace

Result<BuiltServer> build_server(const ListenAddress& at, const TransportGrpcConfig& config, grpc::CallbackGenericService& service) {
  grpc::ServerBuilder builder;
  set_arguments(builder, config);
  int port = 0;
  builder.AddListeningPort(at.text(), grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  BuiltServer built{builder.BuildAndStart(), at};
  if (built.server == nullptr || port <= 0) return why_not(at);
  built.at.port = static_cast<uint16_t>(port);
  return built;
}

}  // namespace ion::transport_grpc
