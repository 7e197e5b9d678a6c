// Bytes, borrowed and lent. Buf is one lent reference to an ion_buf: moving hands it on, destroying releases it.
#pragma once
#include <ion/abi/types.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ion {

inline ion_bytes bytes_of(std::string_view s) noexcept { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }
inline std::string_view text_of(ion_bytes b) noexcept { return {reinterpret_cast<const char*>(b.p), b.n}; }
inline std::span<const uint8_t> span_of(ion_bytes b) noexcept { return {b.p, b.n}; }
inline std::span<const uint8_t> span_of(const ion_buf& b) noexcept { return {b.p, b.n}; }
inline std::string_view text_of(std::span<const uint8_t> b) noexcept { return {reinterpret_cast<const char*>(b.data()), b.size()}; }
inline std::span<const uint8_t> span_of(std::string_view s) noexcept { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }
inline ion_buf borrowed(std::span<const uint8_t> b) noexcept { return {b.data(), b.size(), nullptr, nullptr}; }

class Buf {
 public:
  Buf() noexcept = default;
  static Buf adopt(const ion_buf& raw) noexcept { return Buf(raw); }  // takes over a reference that was lent to us
  static Buf share(const ion_buf& raw) {                              // keeps borrowed bytes: retains, or copies plain memory
    if (raw.ops == nullptr) return copy(span_of(raw));
    raw.ops->retain(raw.owner);
    return Buf(raw);
  }
  static Buf copy(std::span<const uint8_t> from) {
    uint8_t* to = nullptr;
    Buf made = allocate(from.size(), &to);
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
    return made;
  }
  // Counted heap memory of the caller's own module; *to may be written until the first share.
  static Buf allocate(uint64_t n, uint8_t** to);

  Buf(Buf&& other) noexcept : raw_(std::exchange(other.raw_, {})) {}
  Buf& operator=(Buf&& other) noexcept {
    if (this != &other) reset(), raw_ = std::exchange(other.raw_, {});
    return *this;
  }
  Buf(const Buf&) = delete;
  Buf& operator=(const Buf&) = delete;
  ~Buf() { reset(); }

  Buf clone() const { return raw_.p == nullptr ? Buf() : share(raw_); }
  Buf slice(uint64_t at, uint64_t n) const {  // another reference to a part
    Buf part = clone();
    part.raw_.p += at;
    part.raw_.n = n;
    return part;
  }
  void trim_to(uint64_t n) noexcept { raw_.n = n; }

  const uint8_t* data() const noexcept { return raw_.p; }
  uint64_t size() const noexcept { return raw_.n; }
  bool empty() const noexcept { return raw_.n == 0; }
  std::span<const uint8_t> span() const noexcept { return {raw_.p, raw_.n}; }
  std::string_view text() const noexcept { return text_of(span()); }
  const ion_buf& raw() const noexcept { return raw_; }
  ion_buf release() noexcept { return std::exchange(raw_, {}); }  // gives the reference away: lent to whoever gets it
  void reset() noexcept {
    if (raw_.ops != nullptr) raw_.ops->release(raw_.owner);
    raw_ = {};
  }

 private:
  explicit Buf(const ion_buf& raw) noexcept : raw_(raw) {}
  ion_buf raw_{};
};
using Bufs = std::vector<Buf>;

namespace detail {
// Bytes behind a count; freed by the module that made them.
struct HeapBlock {
  std::atomic<uint32_t> references{1};
  static void retain(void* owner) noexcept { static_cast<HeapBlock*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
  static void release(void* owner) noexcept {
    auto* block = static_cast<HeapBlock*>(owner);
    if (block->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    block->~HeapBlock();
    std::free(owner);
  }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), 0, &HeapBlock::retain, &HeapBlock::release};
};
}  // namespace detail

inline Buf Buf::allocate(uint64_t n, uint8_t** to) {
  void* memory = std::malloc(sizeof(detail::HeapBlock) + n);
  if (memory == nullptr) throw std::bad_alloc();
  auto* block = new (memory) detail::HeapBlock;
  *to = static_cast<uint8_t*>(memory) + sizeof(detail::HeapBlock);
  return Buf(ion_buf{*to, n, &detail::HeapBlock::kOps, block});
}

inline uint64_t bytes_in(std::span<const ion_buf> parts) noexcept {
  uint64_t n = 0;
  for (const ion_buf& part : parts) n += part.n;
  return n;
}
// Copies [at, at + n) of the joined parts; the caller checked that they hold so much. For headers, never for payload.
inline void copy_out(std::span<const ion_buf> parts, uint64_t at, uint64_t n, uint8_t* to) noexcept {
  for (const ion_buf& part : parts) {
    if (n == 0) return;
    if (at >= part.n) {
      at -= part.n;
      continue;
    }
    const uint64_t take = part.n - at < n ? part.n - at : n;
    std::memcpy(to, part.p + at, take);
    to += take, n -= take, at = 0;
  }
}

}  // namespace ion
