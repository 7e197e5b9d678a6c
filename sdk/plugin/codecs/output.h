// Private to the codecs: a buffer that grows up to a bound, and the refusals that all codecs share.
#pragma once
#include <ion/bytes.h>
#include <ion/result.h>

#include <algorithm>
#include <string>

namespace ion::codecs {

inline Status corrupt(std::string_view codec, const std::string& what) {
  return {ION_E_INVALID, "record batch: its " + std::string(codec) + " payload " + what, "CORRUPT_BATCH"};
}
inline Status too_large(std::string_view codec, uint64_t bytes_max) {
  return {ION_E_INVALID, "record batch: its " + std::string(codec) + " payload has more than " + std::to_string(bytes_max) + " bytes when it is decompressed",
          "RECORD_TOO_LARGE"};
}
inline Status library_failed(std::string_view codec, std::string_view words) {
  return {ION_E_INTERNAL, std::string(codec) + ": " + std::string(words)};
}

// Grows by doubling, never beyond `bytes_max` (at least 1).
class Output {
 public:
  Output(uint64_t expected, uint64_t bytes_max) : bytes_max_(bytes_max), capacity_(std::clamp<uint64_t>(expected, std::min<uint64_t>(4096, bytes_max), bytes_max)) {
    buf_ = Buf::allocate(capacity_, &p_);
  }
  uint8_t* free_begin() noexcept { return p_ + used_; }
  uint64_t free_bytes() const noexcept { return capacity_ - used_; }
  uint64_t used() const noexcept { return used_; }
  void add(uint64_t n) noexcept { used_ += n; }
  // False where the bound is reached and no byte is free.
  bool make_room() {
    if (used_ < capacity_) return true;
    return make_room_for(1);
  }
  bool make_room_for(uint64_t n) {
    if (n <= capacity_ - used_) return true;
    if (n > bytes_max_ - used_) return false;
    const uint64_t wanted = std::min(bytes_max_, std::max(capacity_ * 2, used_ + n));
    uint8_t* to = nullptr;
    Buf larger = Buf::allocate(wanted, &to);
    std::memcpy(to, p_, used_);
    buf_ = std::move(larger), p_ = to, capacity_ = wanted;
    return true;
  }
  Buf take() {
    buf_.trim_to(used_);
    return std::move(buf_);
  }

 private:
  const uint64_t bytes_max_;
  uint64_t capacity_, used_ = 0;
  uint8_t* p_ = nullptr;
  Buf buf_;
};

}  // namespace ion::codecs
