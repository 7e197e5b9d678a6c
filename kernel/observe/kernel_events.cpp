#include "observe/kernel_events.h"

#include <string>
#include <utility>

namespace ion::observe {

KernelEvents::Subscription& KernelEvents::Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  end();
  events_ = other.events_;
  subscriber_ = std::move(other.subscriber_);
  return *this;
}

// Waits for a call that runs in another thread; the function itself is destroyed with the last one who may be calling it.
void KernelEvents::Subscription::end() {
  const std::shared_ptr<Subscriber> subscriber = std::exchange(subscriber_, nullptr);
  if (subscriber == nullptr) return;
  events_->forget(subscriber.get());
  const std::lock_guard running(subscriber->running);
  subscriber->ended = true;
}

Result<KernelEvents::Subscription> KernelEvents::subscribe(EventMask mask, Function function) {
  const std::lock_guard lock(mutex_);
  if (subscribers_.size() == kSubscribersMax)
    return Status(ION_E_OVERLOADED, "kernel events: wanted at most " + std::to_string(kSubscribersMax) + " subscribers");
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->mask = mask;
  subscriber->function = std::move(function);
  subscribers_.push_back(subscriber);
  return Subscription(this, std::move(subscriber));
}

void KernelEvents::publish(const KernelEvent& event) {
  std::vector<std::shared_ptr<Subscriber>> called;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& s : subscribers_)
      if ((s->mask & static_cast<EventMask>(event.kind)) != 0) called.push_back(s);
  }
  for (const auto& s : called) {
    const std::lock_guard running(s->running);
    if (!s->ended) s->function(event);
  }
}

void KernelEvents::forget(const Subscriber* subscriber) {
  const std::lock_guard lock(mutex_);
  std::erase_if(subscribers_, [&](const auto& s) { return s.get() == subscriber; });
}

}  // namespace ion::observe
