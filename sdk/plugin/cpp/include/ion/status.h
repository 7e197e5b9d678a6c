// Status: a code from the one list (ion/abi/status.h) and words that say what was wanted and what was there.
#pragma once
#include <ion/abi/types.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace ion {

using Code = ion_code;

// "NOT_FOUND" for ION_E_NOT_FOUND; an unknown number reads as INTERNAL.
constexpr std::string_view code_name(ion_status code) noexcept {
  switch (code) {
#define ION_NAME(name, value) \
  case value:                 \
    return #name;
    ION_STATUS_LIST(ION_NAME)
#undef ION_NAME
    default:
      return "INTERNAL";
  }
}

constexpr Code to_code(ion_status code) noexcept {
  return code > ION_PENDING || code < ION_E_INTERNAL ? ION_E_INTERNAL : static_cast<Code>(code);
}

// How many bytes of its `msg` the side that made this struct has; it may be older or later than this one.
inline size_t message_bytes(const ion_err& err) noexcept {
  return std::min(std::max<size_t>(err.size, offsetof(ion_err, msg)) - offsetof(ion_err, msg), sizeof err.msg);
}

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(Code code, std::string message, std::string reason = {})
      : code_(code), message_(std::move(message)), reason_(std::move(reason)) {}

  static Status from(ion_status code, const ion_err* err) {
    if (code == ION_OK) return {};
    if (const size_t n = err != nullptr ? strnlen(err->msg, message_bytes(*err)) : 0; n > 0) return {to_code(code), std::string(err->msg, n)};
    return {to_code(code), std::string(code_name(code))};
  }

  bool ok() const noexcept { return code_ == ION_OK; }
  Code code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& reason() const noexcept { return reason_; }  // finer than the code: "RECORD_TOO_LARGE"; may be empty
  std::string text() const { return ok() ? "OK" : std::string(code_name(code_)) + ": " + message_; }

  // Fills the C form; answers the code, so that a bridge can `return status.to(err);`.
  ion_status to(ion_err* err) const noexcept {
    if (err != nullptr) {
      err->code = code_;
      if (const size_t all = message_bytes(*err); all > 0) {
        const size_t n = std::min(message_.size(), all - 1);
        std::memcpy(err->msg, message_.data(), n);
        err->msg[n] = 0;
      }
    }
    return code_;
  }

 private:
  Code code_ = ION_OK;
  std::string message_, reason_;
};

}  // namespace ion
