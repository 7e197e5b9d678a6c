// The way out: when a partition may send, over which connection, and what has to be there before.
#include <algorithm>

#include "core/producer_core.h"

namespace ion::client {

using namespace produce;

void ProducerCore::pump(PartitionQueue& p, Cause cause, Instant now, Actions& out) {
  if (!fatal_.ok() || stale_) return;
  if (p.any(InFlight::Is::kToSend)) return send_again(p, now, out);
  if (p.gathering.empty() && p.orphans.empty()) return;
  if (idempotent() && !has_identity(p, out)) return;
  if (p.any(InFlight::Is::kToSend)) return send_again(p, now, out);  // orphans with their new identity go first
  bool take_any = cause == Cause::kAckReturned;
  while (!p.gathering.empty() && p.in_flight.size() < limits_.in_flight_max) {
    if (!take_any && !p.ripe(now, limits_, generation_)) {
      arm(p.gathering.front().opened + limits_.linger);
      return;
    }
    const uint64_t bytes = p.gathering.front().writer.bytes();
    LinkState* l = link_for(p, bytes, now, out);
    if (l == nullptr || !fits(p, *l, bytes)) return;
    InFlight& batch = p.close_front(idempotent(), packer_);
    used_bytes_ -= bytes;
    used_bytes_ += batch.bytes->size();
    if (static_cast<size_t>(p.id().v) == sticky_) ++sticky_ %= partitions_.size();
    send(p, batch, *l, now, out);
    take_any = false;
  }
}

// In order, the same bytes, and only when no answer is open: an answer to an earlier attempt could otherwise be taken for a hole.
void ProducerCore::send_again(PartitionQueue& p, Instant now, Actions& out) {
  if (now < p.retry_at) return arm(p.retry_at);
  if (p.any(InFlight::Is::kSent)) return;
  const uint64_t bytes = p.in_flight.size() == 1 ? p.in_flight.front().bytes->size() : limits_.batch_bytes_max;
  LinkState* l = link_for(p, bytes, now, out);
  if (l == nullptr) return;
  // Not more than the broker remembers: halves of a batch may have made them more.
  for (size_t i = 0; i < std::min<size_t>(p.in_flight.size(), limits_.in_flight_max); ++i) {
    if (p.in_flight[i].attempts > 0) ++retries_;
    send(p, p.in_flight[i], *l, now, out);
  }
}

bool ProducerCore::has_identity(PartitionQueue& p, Actions& out) {
  if (p.session.is == Session::Is::kWell) return true;
  if (!p.in_flight.empty()) return false;
  if (identity_ && identity_->producer != p.session.producer) {
    p.adopt(identity_->producer, identity_->epoch);
    return true;
  }
  want_identity(out);
  return false;
}

LinkState* ProducerCore::link_for(PartitionQueue& p, uint64_t bytes, Instant now, Actions& out) {
  for (const InFlight& batch : p.in_flight)
    if (batch.is == InFlight::Is::kSent) return batch.link->is == LinkState::Is::kUp && batch.link->id.lane == Lane::kBulk ? batch.link : nullptr;
  if (p.leader.empty()) {
    want_metadata(out);
    return nullptr;
  }
  // Unanswered batches keep to one connection: two are read in any order, and nobody says which came first.
  const bool answered = limits_.promise != ProducerLimits::Promise::kUnanswered;
  const Lane lane = answered && bytes <= limits_.latency_bytes_max && p.gathering.size() < 2 ? Lane::kLatency : Lane::kBulk;
  const auto ask = [&](LinkState& l) {
    if (l.is != LinkState::Is::kUnwanted) return;
    if (now < l.open_at) return arm(l.open_at);
    l.is = LinkState::Is::kWanted;
    out.open_links.push_back(l.id);
  };
  LinkState& bulk = link({p.leader, Lane::kBulk});
  LinkState& latency = link({p.leader, Lane::kLatency});
  ask(bulk);
  if (answered) ask(latency);
  if (lane == Lane::kLatency && latency.is == LinkState::Is::kUp) return &latency;
  return bulk.is == LinkState::Is::kUp ? &bulk : nullptr;
}

bool ProducerCore::fits(PartitionQueue& p, LinkState& l, uint64_t bytes) {
  if (l.in_flight_bytes == 0 || l.in_flight_bytes + bytes <= l.window.size()) return true;
  if (!p.blocked) l.blocked.push_back(p.id());
  p.blocked = true;
  return false;
}

void ProducerCore::send(PartitionQueue& p, InFlight& batch, LinkState& l, Instant now, Actions& out) {
  l.in_flight_bytes += p.mark_sent(batch, l, ++correlation_, now);
  arm(now + limits_.request_timeout);
  arm(batch.opened + limits_.delivery_timeout);
  out.sends.push_back({l.id, p.id(), batch.correlation, batch.bytes});
}

void ProducerCore::pump_blocked(LinkState& l, Instant now, Actions& out) {
  for (size_t n = l.blocked.size(); n > 0 && !l.blocked.empty(); --n) {
    PartitionQueue& p = *partition(l.blocked.front());
    l.blocked.pop_front();
    p.blocked = false;
    pump(p, Cause::kSomething, now, out);
    if (p.blocked) return;  // full again
  }
}

void ProducerCore::pump_all(Instant now, Actions& out) {
  for (PartitionQueue& p : partitions_) pump(p, Cause::kSomething, now, out);
}

Instant ProducerCore::deadline_of(const PartitionQueue& p, Instant now) const {
  Instant first = kNever;
  const auto consider = [&](Instant at) {
    if (at > now) first = std::min(first, at);
  };
  if (!p.gathering.empty()) {
    consider(p.gathering.front().opened + limits_.delivery_timeout);
    consider(p.gathering.front().opened + limits_.linger);
  }
  for (const InFlight& batch : p.in_flight) {
    consider(batch.opened + limits_.delivery_timeout);
    consider(batch.is == InFlight::Is::kSent ? batch.sent_at + limits_.request_timeout : p.retry_at);
  }
  if (!p.orphans.empty()) consider(p.orphans.front().opened + limits_.delivery_timeout);
  return first;
}

// Only what lies ahead: what is due already waits for an event, not for time.
Instant ProducerCore::scan_deadlines(Instant now) const {
  Instant first = kNever;
  const auto consider = [&](Instant at) {
    if (at > now) first = std::min(first, at);
  };
  for (const PartitionQueue& p : partitions_) consider(deadline_of(p, now));
  if (!kept_.empty()) consider(kept_.front().since + limits_.delivery_timeout);
  if (metadata_.is == Question::Is::kLater) consider(metadata_.at);
  if (identify_.is == Question::Is::kLater) consider(identify_.at);
  for (const auto& [id, l] : links_)
    if (l.is == LinkState::Is::kUnwanted) consider(l.open_at);
  return first;
}

}  // namespace ion::client
