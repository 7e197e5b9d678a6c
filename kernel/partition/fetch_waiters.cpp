#include "partition/fetch_waiters.h"

#include <algorithm>

namespace ion::partition {

template <class Ripe>
std::vector<ParkedFetch> FetchWaiters::take_where(Ripe ripe) {
  std::vector<ParkedFetch> taken;
  for (auto it = parked_.begin(); it != parked_.end();) {
    if (!ripe(*it)) {
      ++it;
      continue;
    }
    taken.push_back(std::move(*it));
    it = parked_.erase(it);
  }
  return taken;
}

std::vector<ParkedFetch> FetchWaiters::take_ripe(uint64_t visible_bytes, Offset high_watermark) {
  return take_where([&](const ParkedFetch& f) { return f.visible_wanted <= visible_bytes && f.offset < high_watermark; });
}
std::vector<ParkedFetch> FetchWaiters::take_due(Instant now) {
  return take_where([&](const ParkedFetch& f) { return f.until <= now; });
}
std::vector<ParkedFetch> FetchWaiters::take_all() {
  return take_where([](const ParkedFetch&) { return true; });
}

std::optional<ParkedFetch> FetchWaiters::take(uint64_t op_id) {
  auto taken = take_where([&](const ParkedFetch& f) { return f.later.id() == op_id; });
  if (taken.empty()) return std::nullopt;
  ION_ASSERT(taken.size() == 1);
  return std::move(taken.front());
}

std::optional<Instant> FetchWaiters::earliest() const {
  if (parked_.empty()) return std::nullopt;
  return std::min_element(parked_.begin(), parked_.end(), [](const auto& a, const auto& b) { return a.until < b.until; })->until;
}

}  // namespace ion::partition
