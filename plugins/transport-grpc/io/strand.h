// Runs the events of one object one at a time, in the order in which they came, on whichever thread brings them: what comes
// while another thread is at work is left to that thread. So the object needs no lock, and nothing is called under one.
// An event is a member of what it belongs to and may stand in the queue once; it may be destroyed inside its own run().
// Thread: any. The strand must outlive post(): its owner keeps itself alive around the call.
#pragma once
#include <atomic>

namespace ion::transport_grpc {

class Event {
 public:
  virtual ~Event() = default;
  virtual void run() noexcept = 0;

 private:
  friend class Strand;
  Event* next_ = nullptr;
};

class Strand {
 public:
  Strand() = default;
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  void post(Event& event) noexcept {
    Event* top = newest_.load(std::memory_order_relaxed);
    do event.next_ = top == &idle_ ? nullptr : top;
    while (!newest_.compare_exchange_weak(top, &event, std::memory_order_acq_rel, std::memory_order_relaxed));
    if (top == &idle_) run_all();
  }

 private:
  struct Idle final : Event {
    void run() noexcept override {}
  };

  void run_all() noexcept {
    for (;;) {
      Event* newest = newest_.exchange(nullptr, std::memory_order_acq_rel);
      if (newest == nullptr) {
        if (newest_.compare_exchange_strong(newest, &idle_, std::memory_order_acq_rel)) return;
        continue;
      }
      Event* oldest = nullptr;  // the queue is a stack: turn it round
      while (newest != nullptr) {
        Event* next = newest->next_;
        newest->next_ = oldest, oldest = newest, newest = next;
      }
      while (oldest != nullptr) {
        Event* next = oldest->next_;
        oldest->run();
        oldest = next;
      }
    }
  }

  Idle idle_;
  std::atomic<Event*> newest_{&idle_};  // &idle_: nobody runs; nullptr: somebody does and nothing waits
};

}  // namespace ion::transport_grpc
