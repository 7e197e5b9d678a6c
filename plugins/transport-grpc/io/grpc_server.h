// One listening server: gRPC's object, a driver, the calls in progress. Its life: open (control thread), drain, stop.
//
//   serving --drain()--> draining --stop()--> cut: calls end, ops in flight come home --> threads joined, gRPC's object gone
//
// stop() completes when no call is left and the driver's threads are joined; they cannot join themselves, so the last step is
// on the host's blocking pool. Shared by its listener handle, the plugin's list and that last step.
#pragma once
#include "core/listen_address.h"
#include "io/call_registry.h"
#include "io/server_driver.h"
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
  void tick(Instant now);   // about once a second, on the ticker's shard
  bool over() const;        // stopped, nothing is left

  void accept(std::unique_ptr<CallPort> port, CallFacts facts) override;
  void line_opened() override { registry_->line_opened(); }
  void line_closed() override { registry_->line_closed(); }

 private:
  void all_gone();
  void take_down();  // BLOCKING: joins threads
  void post_take_down();

  Services& services_;
  Executor& executor_;
  const std::shared_ptr<CallRegistry> registry_;  // shared: see GrpcCall
  std::unique_ptr<ServerDriver> driver_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;

  mutable std::mutex mutex_;  // what follows
  enum class Phase : uint8_t { kOpen, kStopping, kEmpty, kTakingDown, kDown } phase_ = Phase::kOpen;
  std::vector<Later> stopped_;  // who waits for the end
};

}  // namespace ion::transport_grpc
