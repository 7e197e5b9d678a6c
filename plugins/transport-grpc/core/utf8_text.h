// Texts that may hold what a client sent, for the string fields of answers: a proto3 string that is not UTF-8 cannot be read by others. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ion::transport_grpc {

// The bytes of the UTF-8 character at the beginning, or 0: stray, cut off, overlong, a surrogate, above U+10FFFF.
constexpr size_t utf8_character(std::string_view text) noexcept {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (text.empty()) return 0;
  const uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < n) return 0;
  for (size_t i = 1; i < n; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  if (lead == 0xE0 && at(1) < 0xA0) return 0;
  if (lead == 0xED && at(1) > 0x9F) return 0;
  if (lead == 0xF0 && at(1) < 0x90) return 0;
  if (lead == 0xF4 && at(1) > 0x8F) return 0;
  return n;
}

// `text` with each byte that belongs to no character as \xNN.
inline std::string utf8_text(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string to;
  to.reserve(text.size());
  while (!text.empty()) {
    const size_t n = utf8_character(text);
    if (n == 0) {
      const auto byte = static_cast<uint8_t>(text.front());
      to += "\\x";
      to += kDigits[byte >> 4];
      to += kDigits[byte & 15];
    } else {
      to.append(text.substr(0, n));
    }
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return to;
}

}  // namespace ion::transport_grpc
