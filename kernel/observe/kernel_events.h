// What happens in the kernel, for whoever asked: topics come, change and go, the broker drains, a reload changed something. Behind ion.events/1.
// Subscribers are called one after the other in the thread that publishes, in the order of their subscriptions; they take what
// they need and post it to where they live. Invariant: once a subscription has ended, its function does not run and will not.
// A function may end its own subscription, and may subscribe; it must not end one whose function may be ending this one.
// Thread: any. The events outlive their subscriptions.
#pragma once
#include <ion/ids.h>
#include <ion/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ion::observe {

enum class KernelEventKind : uint32_t {  // bits of a mask; those of ion/abi/host/events.h
  kTopicCreated = 1,
  kTopicAltered = 2,
  kTopicDeleted = 4,
  kDrainBegan = 8,
  kConfigChanged = 16,
};
using EventMask = uint32_t;
constexpr EventMask operator|(KernelEventKind a, KernelEventKind b) { return static_cast<EventMask>(a) | static_cast<EventMask>(b); }
constexpr EventMask operator|(EventMask a, KernelEventKind b) { return a | static_cast<EventMask>(b); }
constexpr EventMask kEveryEvent = ~EventMask{0};

struct KernelEvent {
  KernelEventKind kind = KernelEventKind::kTopicCreated;
  std::string topic;  // of the topic events
  Uuid topic_id;
  uint32_t partitions = 0;
  std::vector<std::string> paths;  // kConfigChanged: keys whose value is another one now
};

class KernelEvents {
 public:
  static constexpr size_t kSubscribersMax = 256;
  using Function = std::function<void(const KernelEvent&)>;

 private:
  struct Subscriber {
    EventMask mask = 0;
    Function function;
    std::recursive_mutex running;  // held while the function runs; recursive: it may end its own subscription
    bool ended = false;
  };

 public:
  // Ends with its life.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription() { end(); }
    void end();

   private:
    friend class KernelEvents;
    Subscription(KernelEvents* events, std::shared_ptr<Subscriber> subscriber) : events_(events), subscriber_(std::move(subscriber)) {}
    KernelEvents* events_ = nullptr;
    std::shared_ptr<Subscriber> subscriber_;
  };

  KernelEvents() = default;
  KernelEvents(const KernelEvents&) = delete;
  KernelEvents& operator=(const KernelEvents&) = delete;

  // OVERLOADED above kSubscribersMax.
  Result<Subscription> subscribe(EventMask mask, Function function);
  void publish(const KernelEvent& event);

 private:
  void forget(const Subscriber* subscriber);

  std::mutex mutex_;
  // Shared with a publish that is under way: it calls outside the mutex, while a subscription may end.
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
};

}  // namespace ion::observe
