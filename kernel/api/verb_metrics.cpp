#include "api/verb_metrics.h"

namespace ion::api {

VerbMetrics::VerbMetrics(Clock& clock) : clock_(clock), slots_(std::make_unique<Slot[]>(kSlots)), free_(0) {
  for (uint32_t i = 0; i < kSlots; ++i) slots_[i].owner = this, slots_[i].index = i, slots_[i].next.store(i + 1, std::memory_order_relaxed);
}

Status VerbMetrics::declare(observe::MetricRegistry& registry) {
  constexpr auto kVerbs = static_cast<uint32_t>(kVerbRows.size());
  ION_TRY(observe::Metric * requests, registry.declare({ION_COUNTER, "ionstream_api_requests_total", "requests", "Requests to the broker API, by verb.", kVerbs}));
  ION_TRY(observe::Metric * failures, registry.declare({ION_COUNTER, "ionstream_api_failures_total", "requests", "Requests to the broker API that failed or were refused, by verb.", kVerbs}));
  ION_TRY(observe::Metric * duration, registry.declare({ION_HISTOGRAM, "ionstream_api_duration_seconds", "ns", "From request to answer, waits of a fetch included, by verb.", kVerbs}));
  for (const VerbRow& row : kVerbRows) {
    const ion_field label{bytes_of("verb"), bytes_of(row.name)};
    Numbers& n = numbers_[static_cast<size_t>(row.verb)];
    ION_TRY(n.requests, registry.series(*requests, {&label, 1}));
    ION_TRY(n.failures, registry.series(*failures, {&label, 1}));
    ION_TRY(n.duration, registry.series(*duration, {&label, 1}));
  }
  return {};
}

void VerbMetrics::count(Verb verb, Instant began, ion_status code) noexcept {
  const Numbers& n = numbers_[static_cast<size_t>(verb)];
  if (n.requests == nullptr) return;
  n.requests->record(1);
  if (code < 0) n.failures->record(1);
  n.duration->record((clock_.now() - began).n);
}

VerbMetrics::Slot* VerbMetrics::take() {
  uint64_t head = free_.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) < kSlots) {
    Slot& slot = slots_[static_cast<uint32_t>(head)];
    const uint64_t rest = ((head >> 32) + 1) << 32 | slot.next.load(std::memory_order_relaxed);
    if (free_.compare_exchange_weak(head, rest, std::memory_order_acq_rel, std::memory_order_acquire)) return &slot;
  }
  auto* slot = new Slot;
  slot->owner = this, slot->index = kSlots;
  return slot;
}

void VerbMetrics::put(Slot& slot) noexcept {
  if (slot.index == kSlots) return delete &slot;
  uint64_t head = free_.load(std::memory_order_relaxed);
  do slot.next.store(static_cast<uint32_t>(head), std::memory_order_relaxed);
  while (!free_.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | slot.index, std::memory_order_release, std::memory_order_relaxed));
}

void VerbMetrics::end(Slot& slot, ion_status code) noexcept {
  count(slot.verb, slot.began, code);
  put(slot);
}

void VerbMetrics::done(void* ctx, const ion_result* r) noexcept {
  Slot& slot = *static_cast<Slot*>(ctx);
  const ion_op caller = slot.caller;
  slot.owner->end(slot, r->status);
  caller.done(caller.ctx, r);
}

}  // namespace ion::api
