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
  Admission joined(GrpcCall& call);  // once for each call, also for those that are refused
  void left(GrpcCall& call);         // from its destructor

  void drain();                      // from now on joined() answers kDraining
  bool draining() const;
  uint64_t count() const;
  std::vector<std::shared_ptr<GrpcCall>> calls() const;
  // Completes when no call is left: at once, or on the thread where the last one leaves.
  void when_empty(Later later);
  Later give_up_waiting(Instant now);  // a waiter for that whose deadline has passed, if any

  // Lines out of which calls may come (server_driver.h). when_gone: no call is left and none can come.
  void line_opened();
  void line_closed();
  void when_gone(Later later);

 private:
  std::vector<Later> due();  // under the lock: what may complete now; the caller does it outside

  const uint64_t calls_max_;
  mutable std::mutex mutex_;
  GrpcCall* first_ = nullptr;
  uint64_t count_ = 0, lines_ = 0;
  bool draining_ = false;
  std::vector<Later> waiting_;
  Later gone_;
};

}  // namespace ion::transport_grpc
