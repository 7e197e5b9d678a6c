#include "core/subscription_plan.h"

#include <ion/assert.h>

#include <algorithm>
#include <utility>

namespace ion::transport_grpc {

namespace {
constexpr uint64_t kParkBytesMin = 64 << 10;
}

SubscriptionPlan::SubscriptionPlan(std::vector<Part> parts, uint64_t credit_bytes, Limits limits)
    : limits_(limits), parts_(std::move(parts)), turns_(parts_.size()),
      credit_(static_cast<int64_t>(std::min(credit_bytes, limits.credit_bytes))) {
  for (size_t i = 0; i < parts_.size(); ++i) line_.push_back(i);
}

// Many parts may wake up at once: the more there are, the less each brings.
uint64_t SubscriptionPlan::park_bytes() const noexcept {
  return std::min(limits_.frame_bytes, std::max(kParkBytesMin, limits_.ready_bytes / parts_.size()));
}

std::optional<SubscriptionPlan::Fetch> SubscriptionPlan::next_fetch() {
  if (!has_space()) return std::nullopt;
  std::deque<size_t>& from = parking_.empty() ? line_ : parking_;
  if (from.empty()) return std::nullopt;
  Fetch next{from.front(), park_bytes(), Kind::kPark};
  if (&from == &line_) {
    const int64_t credit = credit_ - static_cast<int64_t>(reserved_);
    if (credit <= 0 || reads_ >= kReadsAtOnceMax || ready_bytes_ + reserved_ >= limits_.ready_bytes) return std::nullopt;
    next = {from.front(), std::min(limits_.frame_bytes, static_cast<uint64_t>(credit)), Kind::kRead};
    turns_[next.part].reserved = next.bytes_max, reserved_ += next.bytes_max, ++reads_;
  }
  from.pop_front();
  ION_ASSERT(!turns_[next.part].asked);
  turns_[next.part].asked = true;
  return next;
}

void SubscriptionPlan::fetched(size_t part, int64_t next_offset, uint64_t bytes, uint64_t held_bytes) {
  ended(part);
  parts_[part].offset = next_offset;
  credit_ -= static_cast<int64_t>(bytes);
  ready_bytes_ += held_bytes;
  line_.push_back(part);
}

void SubscriptionPlan::dropped(size_t part) {
  ended(part);
  line_.push_back(part);
}

void SubscriptionPlan::waited(size_t part) {
  ended(part);
  parking_.push_back(part);
}

void SubscriptionPlan::failed(size_t part) {
  ended(part);
  ++failures_;
}

void SubscriptionPlan::ended(size_t part) {
  ION_ASSERT(part < parts_.size() && turns_[part].asked);
  Turn& turn = turns_[part];
  if (turn.reserved != 0) reserved_ -= turn.reserved, --reads_;
  turn = {};
}

void SubscriptionPlan::sent(uint64_t held_bytes) {
  ION_ASSERT(ready_bytes_ >= held_bytes);
  ready_bytes_ -= held_bytes;
}

uint64_t SubscriptionPlan::grant(uint64_t bytes) {
  const auto most = static_cast<int64_t>(limits_.credit_bytes);
  const auto more = static_cast<int64_t>(std::min(bytes, limits_.credit_bytes));
  credit_ = std::min(credit_ + more, most);
  return credit_ > 0 ? static_cast<uint64_t>(credit_) : 0;
}

}  // namespace ion::transport_grpc
