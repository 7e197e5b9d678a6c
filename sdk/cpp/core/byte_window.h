// How many bytes a connection may have under way: 2 x throughput x the smallest round trip seen, between 2 and 32 MiB. More is
// only queueing. Pure.
#pragma once
#include <ion/time.h>

#include <algorithm>
#include <cstdint>

namespace ion::client {

class ByteWindow {
 public:
  static constexpr uint64_t kStart = 2 << 20, kMax = 32 << 20;
  static constexpr Nanos kInterval = milliseconds(20);

  uint64_t size() const noexcept { return size_; }

  void acked(uint64_t bytes, Nanos round_trip, Instant now) noexcept {
    if (round_trip.n > 0) smallest_ = smallest_.n == 0 ? round_trip : std::min(smallest_, round_trip);
    if (since_.ns == 0) since_ = now;
    bytes_ += bytes;
    const Nanos elapsed = now - since_;
    if (elapsed < kInterval) return;
    const auto wanted = static_cast<unsigned __int128>(2 * bytes_) * static_cast<uint64_t>(smallest_.n) / static_cast<uint64_t>(elapsed.n);
    size_ = static_cast<uint64_t>(std::clamp<unsigned __int128>(wanted, kStart, kMax));
    since_ = now;
    bytes_ = 0;
  }

 private:
  uint64_t size_ = kStart, bytes_ = 0;
  Nanos smallest_;
  Instant since_;
};

}  // namespace ion::client
