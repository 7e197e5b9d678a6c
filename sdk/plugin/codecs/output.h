// Private to the codecs: a buffer that grows up to a bound, and the refusals that all codecs share.
#pragma once
#include "codecs.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

namespace ion::codecs {

inline Status corrupt(std::string_view codec, const std::string& what) {
  return {ION_E_INVALID, "record batch: its " + std::string(codec) + " payload " + what, "CORRUPT_BATCH"};
}
inline Status too_large(std::string_view codec, uint64_t bytes_max) {
  return {ION_E_INVALID, "record batch: its " + std::string(codec) + " payload has more than " + std::to_string(bytes_max) + " bytes when it is decompressed",
          "RECORD_TOO_LARGE"};
}
inline Status no_memory(uint64_t bytes) {
  return {ION_E_NO_MEMORY, "no memory for " + std::to_string(bytes) + " bytes of a batch that is decompressed", "NO_MEMORY"};
}
inline Status library_failed(std::string_view codec, std::string_view words) {
  return {ION_E_INTERNAL, std::string(codec) + ": " + std::string(words)};
}

// Grows by doubling, never beyond the room's bytes_max.
class Output {
 public:
  explicit Output(const Room& room) : room_(room) {}
  // Before anything else: room for `expected` bytes, if there may be so many.
  Status begin(uint64_t expected) { return grow(std::clamp<uint64_t>(expected, std::min<uint64_t>(4096, room_.bytes_max), room_.bytes_max)); }

  uint8_t* free_begin() noexcept { return p_ + room_.front + used_; }
  uint64_t free_bytes() const noexcept { return capacity_ - used_; }
  uint64_t used() const noexcept { return used_; }
  void add(uint64_t n) noexcept { used_ += n; }
  // Room for n more bytes, which may be there. The caller knows that bytes_max is not passed.
  Status make_room(uint64_t n) {
    if (n <= free_bytes()) return {};
    return grow(std::min(room_.bytes_max, std::max(capacity_ * 2, used_ + n)));
  }
  bool is_full() const noexcept { return used_ == room_.bytes_max; }
  Buf take() {
    buf_.trim_to(room_.front + used_);
    return std::move(buf_);
  }

 private:
  Status grow(uint64_t wanted) {
    if (room_.admit) ION_CHECK(room_.admit(wanted));  // beside what is there: both are, while it is copied
    void* const memory = std::malloc(sizeof(detail::HeapBlock) + room_.front + wanted);
    if (memory == nullptr) return no_memory(wanted);
    auto* const block = new (memory) detail::HeapBlock;
    auto* const to = static_cast<uint8_t*>(memory) + sizeof(detail::HeapBlock);
    Buf larger = Buf::adopt({to, room_.front + wanted, &detail::HeapBlock::kOps, block});
    if (used_ != 0) std::memcpy(to + room_.front, p_ + room_.front, used_);
    buf_ = std::move(larger), p_ = to, capacity_ = wanted;
    return {};
  }
  const Room& room_;
  uint64_t capacity_ = 0, used_ = 0;
  uint8_t* p_ = nullptr;
  Buf buf_;
};

}  // namespace ion::codecs
