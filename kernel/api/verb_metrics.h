// What is counted of each verb of the broker API: requests, failures, and how long it took, made from the rows of
// broker_verbs.h. A verb that answers later is followed without an allocation: its completion passes a slot of a fixed pool
// (when all slots are out, one is made). Thread: declare once before serving; the rest ANY. Outlives every op that it follows.
#pragma once
#include "observe/metric_registry.h"

#include <ion/contract/broker_api.h>
#include <ion/ports.h>

#include <array>
#include <atomic>
#include <memory>

namespace ion::api {

class VerbMetrics {
 public:
  explicit VerbMetrics(Clock& clock);
  VerbMetrics(const VerbMetrics&) = delete;
  VerbMetrics& operator=(const VerbMetrics&) = delete;

  // CLOSED when the registry is frozen. Without it nothing is counted.
  Status declare(observe::MetricRegistry& registry);

  // Runs `ask(Op&)`, which answers an Answer, as this verb of the caller's op.
  template <class Ask>
  Answer follow(Verb verb, Op& op, Ask&& ask) {
    Slot* const slot = take();
    slot->caller = op.raw(), slot->verb = verb, slot->began = clock_.now();
    ion_op followed = op.raw();
    followed.done = &VerbMetrics::done, followed.ctx = slot;
    Op inner(followed, op.now());
    try {
      const Answer answer = ask(inner);
      if (!answer.pending()) end(*slot, answer.code());
      return op.passed(answer.code());
    } catch (...) {
      // Once the completion was taken, unwinding has ended the op or somebody still holds it: it must not be answered again.
      if (inner.taken()) return op.passed(ION_PENDING);
      end(*slot, ION_E_EXCEPTION);
      throw;
    }
  }
  // A verb that was answered at once and does not complete an op.
  void count(Verb verb, Instant began, ion_status code) noexcept;
  Instant now() { return clock_.now(); }

 private:
  static constexpr uint32_t kSlots = 1024;
  struct Slot {
    ion_op caller{};
    Instant began{};
    VerbMetrics* owner = nullptr;
    uint32_t index = 0;  // kSlots: made when the pool was empty
    Verb verb{};
    std::atomic<uint32_t> next{0};
  };
  struct Numbers {
    observe::Series *requests = nullptr, *failures = nullptr, *duration = nullptr;
  };
  static void done(void* ctx, const ion_result* r) noexcept;
  Slot* take();
  void put(Slot& slot) noexcept;
  void end(Slot& slot, ion_status code) noexcept;

  Clock& clock_;
  std::array<Numbers, kVerbRows.size()> numbers_{};
  const std::unique_ptr<Slot[]> slots_;
  std::atomic<uint64_t> free_;  // index of the first free slot in the low half; the high half counts up against reuse (ABA)
};

}  // namespace ion::api
