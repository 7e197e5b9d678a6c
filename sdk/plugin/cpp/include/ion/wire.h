// The protobuf wire format by hand, for brokers and clients: envelopes whose payload must stay where it is (protobuf.dev, "Encoding").
// WireReader reads the top fields of a message that lies in several parts; a field of bytes is only a place in the message.
// The bytes are foreign: every length is checked against what is left, so it cannot be made to read outside.
// WireWriter appends to a string and leaves out zeros, as proto3 does. Values only; not for several threads.
#pragma once
#include <ion/bytes.h>
#include <ion/result.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ion {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;      // varint and fixed
  uint64_t at = 0, n = 0;  // bytes: [at, at + n) of the message

  bool is(uint32_t wanted, WireType as) const noexcept { return number == wanted && type == as; }
};

class WireReader {
 public:
  explicit WireReader(std::span<const ion_buf> parts) noexcept : parts_(parts), left_(bytes_in(parts)) {}

  // False at the end, and where the bytes are no message: then `failed()`.
  bool next(WireField& to) noexcept {
    if (left_ == 0 || wrong_ != nullptr) return false;
    uint64_t key = 0;
    if (!varint(key)) return false;
    if (key >> 3 == 0 || key >> 3 > kNumberMax) return fail("a field number outside 1 to 2^29 - 1");
    to = {static_cast<uint32_t>(key >> 3), static_cast<WireType>(key & 7), 0, 0, 0};
    switch (to.type) {
      case WireType::kVarint: return varint(to.value);
      case WireType::kFixed64: return fixed(8, to.value);
      case WireType::kFixed32: return fixed(4, to.value);
      case WireType::kBytes:
        if (!varint(to.n)) return false;
        if (to.n > left_) return fail("a length beyond the end of the message");
        to.at = at_;
        skip(to.n);
        return true;
      default: return fail("a wire type that proto3 does not have");
    }
  }

  bool failed() const noexcept { return wrong_ != nullptr; }
  // `what` names the message: "ProduceRequest".
  Status status(std::string_view what) const {
    if (wrong_ == nullptr) return {};
    return {ION_E_INVALID, std::string(what) + ": " + wrong_ + " at byte " + std::to_string(at_), "MALFORMED_MESSAGE"};
  }
  // The bytes of a field; empty when there are more than `most`.
  std::string text(const WireField& field, uint64_t most) const {
    std::string to(field.n <= most ? field.n : 0, '\0');
    copy_out(parts_, field.at, to.size(), reinterpret_cast<uint8_t*>(to.data()));
    return to;
  }

 private:
  static constexpr uint64_t kNumberMax = (1u << 29) - 1;

  bool fail(const char* words) noexcept {
    wrong_ = words;
    return false;
  }
  bool byte(uint8_t& to) noexcept {
    if (left_ == 0) return fail("the end in the middle of a field");
    while (in_part_ == parts_[part_].n) ++part_, in_part_ = 0;
    to = parts_[part_].p[in_part_];
    ++in_part_, ++at_, --left_;
    return true;
  }
  bool varint(uint64_t& to) noexcept {
    to = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      uint8_t b = 0;
      if (!byte(b)) return false;
      if (shift == 63 && b > 1) break;
      to |= static_cast<uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return true;
    }
    return fail("a varint of more than 64 bits");
  }
  bool fixed(unsigned bytes, uint64_t& to) noexcept {
    to = 0;
    for (unsigned i = 0; i < bytes; ++i) {
      uint8_t b = 0;
      if (!byte(b)) return false;
      to |= static_cast<uint64_t>(b) << (8 * i);
    }
    return true;
  }
  void skip(uint64_t n) noexcept {  // n <= left_
    at_ += n, left_ -= n;
    while (n != 0) {
      const uint64_t here = parts_[part_].n - in_part_;
      if (n <= here) {
        in_part_ += n;
        return;
      }
      n -= here, ++part_, in_part_ = 0;
    }
  }

  std::span<const ion_buf> parts_;
  uint64_t left_, at_ = 0, in_part_ = 0;
  size_t part_ = 0;
  const char* wrong_ = nullptr;
};

class WireWriter {
 public:
  explicit WireWriter(std::string& to) noexcept : to_(to) {}

  void number(uint32_t field, uint64_t value) {
    if (value != 0) present(field, value);
  }
  void signed_number(uint32_t field, int64_t value) { number(field, static_cast<uint64_t>(value)); }  // int32 and int64
  void present(uint32_t field, uint64_t value) {  // `optional`: zero is a value
    raw(uint64_t{field} << 3 | static_cast<uint8_t>(WireType::kVarint));
    raw(value);
  }
  void flag(uint32_t field, bool value) { number(field, value ? 1 : 0); }
  void text(uint32_t field, std::string_view value) {
    if (!value.empty()) message(field, value);
  }
  void message(uint32_t field, std::string_view encoded) {
    begin_bytes(field, encoded.size());
    to_.append(encoded);
  }
  // Tag and length of bytes that will follow from elsewhere.
  void begin_bytes(uint32_t field, uint64_t n) {
    raw(uint64_t{field} << 3 | static_cast<uint8_t>(WireType::kBytes));
    raw(n);
  }

 private:
  void raw(uint64_t v) {
    for (; v >= 0x80; v >>= 7) to_.push_back(static_cast<char>(v | 0x80));
    to_.push_back(static_cast<char>(v));
  }
  std::string& to_;
};

}  // namespace ion
