#include <ion/client/address.h>

#include <charconv>

namespace ion::client {

namespace {
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool is_made_of(std::string_view text, std::string_view others) {
  for (const char c : text)
    if (kLetters.find(c) == std::string_view::npos && others.find(c) == std::string_view::npos) return false;
  return !text.empty();
}
}  // namespace

bool Address::is_loopback() const { return host.starts_with("127.") || host == "localhost" || host == "[::1]"; }

Result<Address> parse_address(std::string_view text, Port port) {
  const auto wrong = [&](std::string_view why) {
    return Status(ION_E_INVALID, "want an address such as broker-1:9640 or [::1]:9640, have \"" + std::string(text) + "\": " + std::string(why));
  };
  if (text.find("://") != std::string_view::npos) return wrong("it is a URL");
  const bool bracketed = text.starts_with('[');
  const size_t colon = bracketed ? text.find("]:") + 1 : text.find(':');
  if (bracketed ? colon == 0 : colon == std::string_view::npos) return wrong("its port is missing");
  const std::string_view host = text.substr(0, colon), digits = text.substr(colon + 1);
  if (!bracketed && digits.find(':') != std::string_view::npos) return wrong("an IPv6 address stands in brackets");
  if (host.empty()) return wrong("its host is missing");
  const bool fits = bracketed ? is_made_of(host.substr(1, host.size() - 2), ":.%_-") : is_made_of(host, ".-_");
  if (!fits) return wrong("its host is neither a name nor an address");
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failed != std::errc() || end != digits.data() + digits.size()) return wrong("its port is no number from 1 to 65535");
  if (number > UINT16_MAX || (number == 0 && port == Port::kFixed)) return wrong("its port is not between 1 and 65535");
  return Address{std::string(host), static_cast<uint16_t>(number)};
}

}  // namespace ion::client
