// The sockets that gRPC has accepted for a listening address. gRPC gives no access to them, and closes a connection only behind the
// write that is under way: one whose peer takes nothing would hold the end of a server for ever.
#pragma once
#include "core/listen_address.h"

#include <cstddef>

namespace ion::transport_grpc {

// Shuts down, both ways, every connection that this process has accepted on `at`, whose port is the real one; what the system holds
// already is still delivered. Answers how many. Any thread; the descriptors stay gRPC's.
size_t shut_down_connections(const ListenAddress& at);

}  // namespace ion::transport_grpc
