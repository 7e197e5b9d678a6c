#include "host/events_service.h"

#include "base/thread_place.h"

#include <ion/bridge/crossing.h>

#include <algorithm>
#include <utility>

namespace ion::host {
namespace {

static_assert(static_cast<uint32_t>(observe::KernelEventKind::kTopicCreated) == ION_EVENT_TOPIC_CREATED);
static_assert(static_cast<uint32_t>(observe::KernelEventKind::kTopicAltered) == ION_EVENT_TOPIC_ALTERED);
static_assert(static_cast<uint32_t>(observe::KernelEventKind::kTopicDeleted) == ION_EVENT_TOPIC_DELETED);
static_assert(static_cast<uint32_t>(observe::KernelEventKind::kDrainBegan) == ION_EVENT_DRAIN);
static_assert(static_cast<uint32_t>(observe::KernelEventKind::kConfigChanged) == ION_EVENT_CONFIG);

void tell(const observe::KernelEvent& e, ion_event_fn fn, void* ctx, const std::string& plugin) {
  std::string keys;
  for (const std::string& path : e.paths) keys += path + "\n";
  ion_event told{sizeof(ion_event), static_cast<uint32_t>(e.kind), bytes_of(e.topic), {}, e.partitions, 0, bytes_of(keys)};
  std::copy(e.topic_id.bytes.begin(), e.topic_id.bytes.end(), told.topic_id);
  base::ThreadPlace here = base::current_place();
  here.plugin = plugin.c_str();
  const base::PlaceScope inside(here);
  fn(ctx, &told);
}

EventsService& service(void* self) { return *static_cast<EventsService*>(self); }
ion_status subscribe(void* self, uint32_t mask, ion_event_fn fn, void* ctx, ion_subscription** out) noexcept {
  return bridge::cross(nullptr, [&] { return service(self).subscribe(mask, fn, ctx, out).code(); });
}
void unsubscribe(void* self, ion_subscription* which) noexcept { service(self).unsubscribe(which); }

}  // namespace

const ion_events kExportEvents{sizeof(ion_events), 0, &host::subscribe, &host::unsubscribe};

Status EventsService::subscribe(uint32_t mask, ion_event_fn fn, void* ctx, ion_subscription** out) {
  if (fn == nullptr || out == nullptr) return {ION_E_INVALID, "ion.events/1: wanted a function and a place for the subscription"};
  const std::lock_guard lock(mutex_);
  if (closed_ || events_ == nullptr) return {ION_E_CLOSED, "ion.events/1: the instance has drained"};
  ION_TRY(auto made, events_->subscribe(mask, [this, fn, ctx](const observe::KernelEvent& e) { tell(e, fn, ctx, plugin_); }));
  *out = reinterpret_cast<ion_subscription*>(next_++);  // a number: a handle of the past points nowhere
  subscriptions_.emplace(*out, std::move(made));
  return {};
}

void EventsService::unsubscribe(ion_subscription* which) {
  observe::KernelEvents::Subscription ending;  // outside the lock: its function may be waiting for it
  const std::lock_guard lock(mutex_);
  const auto at = subscriptions_.find(which);
  if (at == subscriptions_.end()) return;
  ending = std::move(at->second);
  subscriptions_.erase(at);
}

void EventsService::close() {
  std::map<ion_subscription*, observe::KernelEvents::Subscription> ending;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  ending.swap(subscriptions_);
}

}  // namespace ion::host
