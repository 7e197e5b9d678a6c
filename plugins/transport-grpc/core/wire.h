// A field of bytes as a part of the message that it came in: what ion/wire.h only finds. Pure.
#pragma once
#include <ion/bytes.h>
#include <ion/wire.h>

#include <cstdint>
#include <span>

namespace ion::transport_grpc {

// Cuts joined parts down to [at, at + n), in place: the same owners, other pointers. The caller has checked the range.
inline std::span<ion_buf> narrow(std::span<ion_buf> parts, uint64_t at, uint64_t n) noexcept {
  while (!parts.empty() && at >= parts.front().n) at -= parts.front().n, parts = parts.subspan(1);
  if (n == 0 || parts.empty()) return {};
  parts.front().p += at, parts.front().n -= at;
  size_t count = 0;
  for (; n > parts[count].n; ++count) n -= parts[count].n;
  parts[count].n = n;
  return parts.first(count + 1);
}

}  // namespace ion::transport_grpc
