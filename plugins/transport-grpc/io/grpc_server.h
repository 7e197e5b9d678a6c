// One listening server: gRPC's object, the calls in progress. Its life: open (control thread), drain, stop.
//
//   serving --drain()--> draining --stop()--> cut: calls end, ops in flight come home --> gRPC's object gone
//
// A drain waits for the kernel as long as its op allows, and for a peer that does not read or send two seconds and a tick.
// stop() completes when no call is left and gRPC's object is gone; the last call may leave on a thread of gRPC's, which must not
// wait for itself, so the last step is on the host's blocking pool. Shared by its listener handle, the plugin's list and that last step.
#pragma once
#include "core/listen_address.h"
#include "io/call_registry.h"
#include "io/call_service.h"
#include "io/services.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace grpc {
class Server;
}

namespace ion::transport_grpc {

class GrpcServer final : public CallSink, public std::enable_shared_from_this<GrpcServer> {
 public:
  GrpcServer(Services& services, Executor& executor);
  ~GrpcServer() override;

  Status open(const ListenAddress& at);  // CONTROL, once
  const std::string& address() const noexcept { return address_; }
  void drain(Later later);  // CONTROL
  void stop(Later later);   // CONTROL; a second one waits for the first
  void limit_calls(uint64_t calls_max) { registry_->limit_calls(calls_max); }
  void tick(Instant now);   // about once a second, on the ticker's shard
  bool over() const;        // stopped, nothing is left

  void accept(std::unique_ptr<CallPort> port, CallFacts facts) override;

 private:
  void shut_down();  // BLOCKING
  void all_gone();
  void take_down();  // BLOCKING
  void post_take_down();

  Services& services_;
  Executor& executor_;
  const std::shared_ptr<CallRegistry> registry_;  // shared: see GrpcCall
  std::unique_ptr<CallService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  ListenAddress at_;  // with the real port

  mutable std::mutex mutex_;  // what follows
  enum class Phase : uint8_t { kOpen, kStopping, kEmpty, kTakingDown, kDown } phase_ = Phase::kOpen;
  std::vector<Later> stopped_;  // who waits for the end
  Instant cut_at_{};            // of a drain; 0: none has begun
};

}  // namespace ion::transport_grpc
