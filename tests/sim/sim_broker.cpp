#include "sim/sim_broker.h"

namespace ion::sim {

SimBroker::~SimBroker() {
  if (broker_ != nullptr) (void)go_down(Down::kKilled);
}

Status SimBroker::start() {
  config::LoadRequest request;
  request.dev = true;
  request.data_dir = data_dir_;
  request.plugin_directories = {plugin_dir_};
  request.settings = {"plugins.transport-grpc.enabled=false", "topics.segment_bytes=1MiB", "plugins.storage-mmap.config.segment_bytes=64KiB",
                      "topics.reopen_pause_max=1s"};
  ION_TRY(const config::Loaded loaded, config::load(request));
  ++life_;
  world_ = std::make_unique<test::VirtualWorld>(stage_.time, stage_.machine, stage_.seed * 1000 + life_);
  world_->work().draw_order_from(&stage_.schedule);
  // A flush takes time, and the shards go on meanwhile.
  storage().before_flush([this] {
    stage_.time.clock().advance(microseconds(static_cast<int64_t>(stage_.schedule.between(50, 3000))));
    for (uint64_t left = stage_.schedule.below(8); left > 0 && world_->work().run_one_on_a_shard(); --left) continue;
  });
  BrokerOptions options;
  options.version = "0.0.0";
  options.in_process = true, options.probe = false;
  auto started = Broker::start(loaded, options, *world_);
  if (started) broker_ = *std::move(started);
  up_ = broker_ != nullptr;
  return started ? Status() : started.error();
}

bool SimBroker::crashed() {
  bool any = false;
  stage_.machine.each_disk([&](test::FakeDisk& disk) { any |= disk.crashed(); });
  return any;
}

Status SimBroker::go_down(Down how) {
  ++life_;  // nobody hears the answers of this one any more
  up_ = false;
  Status stopped;
  if (how != Down::kStopped) stage_.machine.each_disk([](test::FakeDisk& disk) { disk.go_down(); });
  if (broker_ != nullptr) stopped = broker_->stop();
  in_order_ = how == Down::kStopped && !crashed();
  if (!in_order_) stopped = {};  // it went down before it could end in order
  broker_.reset();
  if (world_ != nullptr) last_log_ = world_->log().text();
  storage().before_flush(nullptr);
  world_.reset();
  const bool cut = how == Down::kPowerCut;
  stage_.machine.each_disk([&](test::FakeDisk& disk) {
    disk.clear_faults();
    if (cut) disk.lose_power(stage_.faults);
    else disk.kill();
  });
  return how == Down::kStopped ? stopped : Status();
}

}  // namespace ion::sim
