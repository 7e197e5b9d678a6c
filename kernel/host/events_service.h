// ion.events/1 of one plugin instance over the kernel's events. Its subscriptions end by themselves when the instance has drained; what
// it then does with a handle does nothing. Thread words: ion/abi/host/events.h.
#pragma once
#include "observe/kernel_events.h"

#include <ion/abi/host/events.h>

#include <map>
#include <mutex>
#include <string>

namespace ion::host {

class EventsService {
 public:
  // `events` is null where there are none; `plugin` names whose code runs, for the last words of a process. Both outlive the service.
  EventsService(observe::KernelEvents* events, const std::string& plugin) : events_(events), plugin_(plugin) {}
  Status subscribe(uint32_t mask, ion_event_fn fn, void* ctx, ion_subscription** out);
  // Waits for a call of its function that goes on in another thread.
  void unsubscribe(ion_subscription* which);
  void close();  // all of them, and those to come: CLOSED

 private:
  observe::KernelEvents* const events_;
  const std::string& plugin_;
  std::mutex mutex_;  // of what follows; not held while a subscription ends
  std::map<ion_subscription*, observe::KernelEvents::Subscription> subscriptions_;
  uintptr_t next_ = 1;
  bool closed_ = false;
};
extern const ion_events kExportEvents;  // self: an EventsService

}  // namespace ion::host
