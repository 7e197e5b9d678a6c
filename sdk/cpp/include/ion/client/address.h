// Where a broker is reached: "host:port", the host a name, an IPv4 address, or an IPv6 address in brackets. The one parser of the
// client and the command line. Pure, any thread.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ion::client {

struct Address {
  std::string host;   // an IPv6 address keeps its brackets
  uint16_t port = 0;  // 0: only where Port::kAnyToo allows it

  std::string text() const { return host + ":" + std::to_string(port); }
  // Is it this machine itself: 127.0.0.0/8, ::1 or localhost?
  bool is_loopback() const;
};

enum class Port { kFixed, kAnyToo };  // kAnyToo: 0 stands for a port that the system chooses
// INVALID says what was wanted and which text was there: no port, a port above 65535, an IPv6 address without brackets, a URL.
Result<Address> parse_address(std::string_view text, Port port = Port::kFixed);

}  // namespace ion::client
