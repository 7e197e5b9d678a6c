// The storage suite's world: a plugin file behind its C table, on virtual time and files in memory.
#include "conform/plugin_instance.h"
#include "contract/storage/storage_suite.h"

#include <ion/bridge/storage_bridge.h>

namespace ion::test {
namespace {

class PluginStorage final : public StoragePorts {
 public:
  PluginStorage() { start(); }
  ~PluginStorage() override { stop(); }
  Storage& storage() override { return *storage_; }
  void restart() override { stop(), start(); }
  void run() override { ground_->run(); }
  FakeClock& time() override { return ground_->time().clock(); }

 private:
  void start() {
    const WallMs now = last_;
    ground_ = std::make_unique<conform::Ground>(machine_);
    if (now.ms != 0) ground_->time().clock().set_wall_by(Nanos{(now.ms - ground_->time().clock().wall().ms) * 1'000'000});
    instance_ = std::make_unique<conform::Instance>(*ground_);
    instance_->begin();
    storage_ = std::make_unique<ImportedStorage>(instance_->contract(ION_STORAGE_ID));
  }
  void stop() {
    if (instance_ == nullptr) return;
    ground_->run();
    const Status drained = instance_->drain();
    EXPECT_TRUE(drained.ok()) << "drain: " << drained.text();
    last_ = ground_->time().clock().wall();
    storage_.reset(), instance_.reset(), ground_.reset();
  }
  VirtualMachine machine_;  // the disk outlives the process
  WallMs last_{0};
  std::unique_ptr<conform::Ground> ground_;
  std::unique_ptr<conform::Instance> instance_;
  std::unique_ptr<ImportedStorage> storage_;
};

}  // namespace

std::vector<WorldMaker> storage_worlds() { return {maker<PluginStorage>("file")}; }

}  // namespace ion::test
