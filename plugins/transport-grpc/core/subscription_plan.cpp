#include "core/subscription_plan.h"

#include <ion/assert.h>

#include <algorithm>
#include <utility>

namespace ion::transport_grpc {

SubscriptionPlan::SubscriptionPlan(std::vector<Part> parts, uint64_t credit_bytes, Limits limits)
    : limits_(limits), parts_(std::move(parts)), fetching_(parts_.size()),
      credit_(static_cast<int64_t>(std::min(credit_bytes, limits.credit_bytes))) {
  for (size_t i = 0; i < parts_.size(); ++i) line_.push_back(i);
}

std::optional<SubscriptionPlan::Fetch> SubscriptionPlan::next_fetch() {
  if (line_.empty() || !module()) return std::nullopt;
  const size_t part = line_.front();
  line_.pop_front();
  ION_ASSERT(!fetching_[part]);
  fetching_[part] = true;
  return Fetch{part, std::min(limits_.frame_bytes, static_cast<uint64_t>(credit_))};
}

SubscriptionPlan::Verdict SubscriptionPlan::fetched(size_t part, int64_t next_offset, uint64_t bytes) {
  const bool send = module();
  if (send) {
    parts_[part].offset = next_offset;
    credit_ -= static_cast<int64_t>(bytes);
    ready_bytes_ += bytes;
  }
  stand_in_line(part);
  return send ? Verdict::kSend : Verdict::kDrop;
}

void SubscriptionPlan::waited(size_t part) { stand_in_line(part); }

void SubscriptionPlan::failed(size_t part) {
  ION_ASSERT(part < parts_.size() && fetching_[part]);
  fetching_[part] = false;
  ++failures_;
}

void SubscriptionPlan::sent(uint64_t bytes) {
  ION_ASSERT(ready_bytes_ >= bytes);
  ready_bytes_ -= bytes;
}

uint64_t SubscriptionPlan::grant(uint64_t bytes) {
  const auto most = static_cast<int64_t>(limits_.credit_bytes);
  const auto more = static_cast<int64_t>(std::min(bytes, limits_.credit_bytes));
  credit_ = std::min(credit_ + more, most);
  return credit_ > 0 ? static_cast<uint64_t>(credit_) : 0;
}

void SubscriptionPlan::stand_in_line(size_t part) {
  ION_ASSERT(part < parts_.size() && fetching_[part]);
  fetching_[part] = false;
  line_.push_back(part);
}

}  // namespace ion::transport_grpc
