#include "core/unpack.h"

#include <charconv>
#include <cstdint>

namespace ion::cli {

namespace {

constexpr std::string_view kNumbers = "bBhHiIqQ", kOthers = "<>c.sx$";

void append_bits(uint64_t bits, size_t width, bool is_signed, std::string& to) {
  char digits[24];
  const auto shift = static_cast<unsigned>(64 - 8 * width);
  const auto end = is_signed ? std::to_chars(digits, digits + sizeof digits, static_cast<int64_t>(bits << shift) >> shift).ptr
                             : std::to_chars(digits, digits + sizeof digits, bits).ptr;
  to.append(digits, static_cast<size_t>(end - digits));
}

}  // namespace

size_t unknown_in_unpack_layout(std::string_view layout) {
  for (size_t i = 0; i < layout.size(); ++i)
    if (kNumbers.find(layout[i]) == std::string_view::npos && kOthers.find(layout[i]) == std::string_view::npos) return i;
  return std::string_view::npos;
}

void append_unpacked(std::string_view layout, std::string_view bytes, std::string& to) {
  bool big = false;
  for (const char letter : layout) {
    if (letter == '<' || letter == '>') {
      big = letter == '>';
    } else if (letter == 's') {
      to += bytes;
      bytes = {};
    } else if (letter == '$') {
      if (!bytes.empty()) {
        to += "%!(bytes are left)";
        return;
      }
    } else if (letter != 'x') {
      const size_t number = kNumbers.find(letter), width = number == std::string_view::npos ? 1 : size_t{1} << (number / 2);
      if (bytes.size() < width) {
        to += "%!(bytes are missing)";
        return;
      }
      uint64_t bits = 0;
      for (size_t i = 0; i < width; ++i) bits = bits << 8 | static_cast<uint8_t>(bytes[big ? i : width - 1 - i]);
      if (number == std::string_view::npos) to += bytes[0];
      else append_bits(bits, width, number % 2 == 0, to);
      bytes.remove_prefix(width);
    }
  }
}

}  // namespace ion::cli
