// ion.events/1 for plugins: a subscription as an object that ends with its life.
#pragma once
#include <ion/abi/host/events.h>
#include <ion/bridge/crossing.h>
#include <ion/bytes.h>
#include <ion/ports.h>

#include <functional>
#include <memory>
#include <utility>

namespace ion {

class ImportedEvents {
 public:
  using Function = std::function<void(const ion_event&)>;  // as ion_event_fn; may not throw

  // Ends with its life, or when the instance has drained.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept { *this = std::move(other); }
    Subscription& operator=(Subscription&& other) noexcept {
      end();
      table_ = other.table_, self_ = other.self_, handle_ = std::exchange(other.handle_, nullptr), function_ = std::move(other.function_);
      return *this;
    }
    ~Subscription() { end(); }
    void end() noexcept {
      if (ion_subscription* const handle = std::exchange(handle_, nullptr); handle != nullptr) table_->unsubscribe(self_, handle);
    }

   private:
    friend class ImportedEvents;
    const ion_events* table_ = nullptr;
    void* self_ = nullptr;
    ion_subscription* handle_ = nullptr;
    std::unique_ptr<Function> function_;  // at one address: the broker calls it
  };

  explicit ImportedEvents(ion_ref ref) noexcept : table_(static_cast<const ion_events*>(ref.table)), self_(ref.self) {}
  // mask: ion_event_kind, or-ed. UNSUPPORTED where the host has no events. CONTROL
  Result<Subscription> subscribe(uint32_t mask, Function function) const {
    Subscription made;
    made.table_ = table_, made.self_ = self_;
    made.function_ = std::make_unique<Function>(std::move(function));
    ION_CHECK(ION_CALL(subscribe, mask, &call, made.function_.get(), &made.handle_));
    return made;
  }

 private:
  static constexpr std::string_view kId = ION_EVENTS_ID;
  static void call(void* ctx, const ion_event* e) noexcept { (*static_cast<Function*>(ctx))(*e); }
  const ion_events* table_;
  void* self_;
};

}  // namespace ion
