#include "core/listen_address.h"

#include <charconv>

namespace ion::transport_grpc {
namespace {

Status malformed(std::string_view url) {
  return {ION_E_INVALID, "listen: want host:port such as 127.0.0.1:9640 or [::1]:0, have '" + std::string(url.substr(0, 256)) + "'"};
}

// 127.0.0.0/8 in dotted form.
bool is_loopback_v4(std::string_view host) {
  int numbers = 0;
  for (size_t at = 0; at <= host.size() && numbers < 5;) {
    size_t end = host.find('.', at);
    if (end == std::string_view::npos) end = host.size();
    unsigned value = 256;
    const auto [stop, error] = std::from_chars(host.data() + at, host.data() + end, value);
    if (error != std::errc{} || stop != host.data() + end || value > 255) return false;
    if (numbers == 0 && value != 127) return false;
    ++numbers, at = end + 1;
  }
  return numbers == 4;
}

}  // namespace

std::string ListenAddress::text() const {
  const std::string number = std::to_string(port);
  return host.find(':') == std::string::npos ? host + ":" + number : "[" + host + "]:" + number;
}

Result<ListenAddress> parse_listen_address(std::string_view url) {
  std::string_view rest = url;
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    const std::string_view name = url.substr(0, scheme);
    if (name == "grpcs" || name == "https")
      return Status(ION_E_UNSUPPORTED, "listen: TLS is not offered yet, have '" + std::string(url.substr(0, 256)) + "'");
    if (name != "grpc") return malformed(url);
    rest = url.substr(scheme + 3);
  }
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return malformed(url);
  std::string_view host = rest.substr(0, colon), number = rest.substr(colon + 1);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (host.empty() || brackets != (host.find(':') != std::string_view::npos)) return malformed(url);
  ListenAddress to;
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), to.port);
  if (number.empty() || error != std::errc{} || stop != number.data() + number.size()) return malformed(url);
  // One address, so that port 0 is one port; clients try both families for the name.
  to.host = host == "localhost" ? "127.0.0.1" : host;
  if (to.host != "::1" && !is_loopback_v4(to.host))
    return Status(ION_E_UNSUPPORTED, "listen: plaintext is offered on loopback only (127.0.0.1, [::1]) and TLS not yet, have '" +
                                         std::string(url.substr(0, 256)) + "'");
  return to;
}

}  // namespace ion::transport_grpc
