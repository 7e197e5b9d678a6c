// The plugin's one instance: takes the host's services at create, finds the broker API at start, listens when it is asked.
// Thread: CONTROL. Outlives its servers: drain stops what the host has not stopped.
#pragma once
#include "io/grpc_server.h"
#include "io/services.h"
#include "io/ticker.h"

#include <ion/bridge/broker_api_bridge.h>
#include <ion/bridge/host_bridge.h>
#include <ion/bridge/services_bridge.h>
#include <ion/contract/transport.h>
#include <ion/plugin.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

class TransportGrpc final : private Transport {
 public:
  using Config = TransportGrpcConfig;
  static Result<std::unique_ptr<TransportGrpc>> create(Host host, Config config);
  ~TransportGrpc() override;

  Status start();
  Status reconfigure(Config config);
  Answer drain(Op& op);
  const void* table(std::string_view contract);
  Transport& transport() { return *this; }

 private:
  TransportGrpc(Host host, Config config, ion_ref executor, ion_ref timers, ion_ref random);
  Result<std::unique_ptr<Listener>> listen(std::string_view url) override;
  Status learn_descriptors();
  std::vector<std::shared_ptr<GrpcServer>> servers();
  void stop_next(std::shared_ptr<Later> drained);
  void end_grpc(Later drained);

  // Of the blocking pool's threads: some are left for what the disk does.
  static constexpr size_t kOpeningAtOnceMax = 2, kOpeningWaitingMax = 4096;

  Services services_;
  ImportedExecutor executor_;
  LimitedJobs opening_{executor_, {kOpeningAtOnceMax, kOpeningWaitingMax}};
  ImportedTimers timers_;
  ImportedRandom random_;
  ImportedClock clock_;
  std::optional<ImportedBrokerApi> api_;
  std::unique_ptr<Reflection> reflection_;
  Ticker ticker_;
  bool grpc_begun_ = false, draining_ = false;

  std::mutex mutex_;  // the list: control thread and ticker
  std::vector<std::shared_ptr<GrpcServer>> servers_;
};

}  // namespace ion::transport_grpc
