// The calls of one listener: the bound on them, who must hear of a drain or a tick, and when the last one has left.
// Thread: any; a short lock of its own, under which nothing is called. Shared by the calls, which may outlive their server's stop.
#pragma once
#include <ion/op.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace ion::transport_grpc {

class GrpcCall;

class CallRegistry {
 public:
  explicit CallRegistry(uint64_t calls_max) : calls_max_(calls_max) {}

  enum class Admission : uint8_t { kServed, kOverloaded, kDraining };
  // A call comes into being in two steps, because drain() and a tick reach every published call from other threads: it is counted,
  // then it gets its handler, and only then it is published. Both once for each call, also for those that are refused.
  Admission admitted();
  // True: a drain began after admitted() and has not reached this call, so the caller tells it.
  bool published(GrpcCall& call, Admission admission);
  void left(GrpcCall& call);  // from the destructor of a call that was admitted

  void drain();  // from now on admitted() answers kDraining
  void limit_calls(uint64_t calls_max);  // what is in progress above it goes on
  bool draining() const;
  uint64_t count() const;
  std::vector<std::shared_ptr<GrpcCall>> calls() const;
  // Completes when no call is left: at once, or on the thread where the last one leaves.
  void when_empty(Later later);
  Later give_up_waiting(Instant now);  // a waiter for that whose deadline has passed, if any

 private:
  std::vector<Later> due();  // under the lock: what may complete now; the caller does it outside

  mutable std::mutex mutex_;
  uint64_t calls_max_;
  GrpcCall* first_ = nullptr;
  uint64_t count_ = 0;
  bool draining_ = false;
  std::vector<Later> waiting_;
};

}  // namespace ion::transport_grpc
