#include "core/ack_lanes.h"

#include "core/request_limits.h"

#include <ion/assert.h>

namespace ion::transport_grpc {

AckLanes::Entered AckLanes::enter(std::string_view topic, int32_t partition, uint64_t bytes) {
  const Lanes::iterator lane = lane_of(topic, partition);
  Ticket ticket = 0;
  if (free_.empty()) {
    ticket = static_cast<Ticket>(slots_.size());
    slots_.emplace_back();
  } else {
    ticket = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[ticket];
  ION_ASSERT(!slot.used);
  slot = {{}, bytes, lane, kNone, true, false};
  Lane& order = lane->second;
  if (order.first == kNone) order.first = ticket;
  else slots_[order.last].next = ticket;
  order.last = ticket;
  ++held_, held_bytes_ += bytes;
  return {ticket, &lane->first.first};
}

void AckLanes::settle(Ticket ticket, Ack ack) {
  ION_ASSERT(ticket < slots_.size());
  Slot& slot = slots_[ticket];
  ION_ASSERT(slot.used && !slot.settled);
  slot.ack = std::move(ack), slot.settled = true;
  ION_ASSERT(held_bytes_ >= slot.bytes);
  held_bytes_ -= std::exchange(slot.bytes, 0);  // the payload is gone; a client that does not read its acks holds up none of the others
  Lane& order = slot.lane->second;
  for (; order.first != kNone && slots_[order.first].settled; order.first = slots_[order.first].next) ready_.push_back(order.first);
}

size_t AckLanes::take(std::string& response, size_t most) {
  size_t taken = 0;
  for (; taken < most && !ready_.empty(); ++taken) {
    const Ticket ticket = ready_.front();
    ready_.pop_front();
    Slot& slot = slots_[ticket];
    write_ack(response, slot.ack);
    ION_ASSERT(held_ > 0);
    --held_;
    slot.used = false;
    free_.push_back(ticket);
  }
  return taken;
}

AckLanes::Lanes::iterator AckLanes::lane_of(std::string_view topic, int32_t partition) {
  if (last_ != lanes_.end() && last_->first.second == partition && last_->first.first == topic) return last_;
  if (lanes_.size() >= kLanesIdleMax + held_ + 1) forget_idle_lanes();
  last_ = lanes_.try_emplace({std::string(topic), partition}).first;
  return last_;
}

// At least kLanesIdleMax of them are idle when this runs, so it costs each new lane a constant.
void AckLanes::forget_idle_lanes() {
  std::erase_if(lanes_, [](const auto& lane) { return lane.second.first == kNone; });
  last_ = lanes_.end();
}

}  // namespace ion::transport_grpc
