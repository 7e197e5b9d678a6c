// Where a listener listens: "host:port", "[::1]:port", also after "grpc://". Pure.
// Without TLS only loopback is offered; anything else is refused here, before a socket exists.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ion::transport_grpc {

struct ListenAddress {
  std::string host;  // an address without brackets: "127.0.0.1", "::1"
  uint16_t port = 0;  // 0: any free one

  std::string text() const;
};

// INVALID: no such form. UNSUPPORTED: a form that needs TLS.
Result<ListenAddress> parse_listen_address(std::string_view url);

}  // namespace ion::transport_grpc
