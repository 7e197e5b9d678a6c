#include "io/connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace ion::transport_grpc {
namespace {

// Descriptors are given out from below, so after so many unused ones in a row there is none above.
constexpr int kUnusedInARow = 65'536;

// "::ffff:127.0.0.1" and "127.0.0.1" are one address: gRPC listens with sockets for both families.
std::string_view plain(std::string_view host) {
  constexpr std::string_view kMapped = "::ffff:";
  return host.starts_with(kMapped) ? host.substr(kMapped.size()) : host;
}

// A connection that was accepted on `at`: its own end has that address, and it does not listen.
bool accepted_on(int socket, const ListenAddress& at) {
  sockaddr_storage name{};
  socklen_t bytes = sizeof name;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &bytes) != 0) return false;
  char host[INET6_ADDRSTRLEN] = {};
  uint16_t port = 0;
  if (name.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &name, sizeof v4);
    port = ntohs(v4.sin_port);
    if (::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host) == nullptr) return false;
  } else if (name.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &name, sizeof v6);
    port = ntohs(v6.sin6_port);
    if (::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host) == nullptr) return false;
  } else {
    return false;
  }
  if (port != at.port || plain(host) != at.host) return false;
  int listens = 0;
  socklen_t n = sizeof listens;
  return ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) == 0 && listens == 0;
}

}  // namespace

size_t shut_down_connections(const ListenAddress& at) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT32_MAX));
  size_t count = 0;
  for (int fd = 0, unused = 0; fd < end && unused < kUnusedInARow; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      ++unused;
      continue;
    }
    unused = 0;
    if (!accepted_on(fd, at)) continue;
    // Its number may be closed and given to another file at any moment: what is looked at through a copy stays what it is.
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) continue;
    if (accepted_on(copy, at) && ::shutdown(copy, SHUT_RDWR) == 0) ++count;
    (void)::close(copy);
  }
  return count;
}

}  // namespace ion::transport_grpc
