// A process with storage-mmap in it, on a fake disk: it can be restarted in order, killed, or lose its power.
#pragma once
#include "io/mmap_storage.h"
#include "support/fake_clock.h"
#include "support/fake_executor.h"
#include "support/fake_files.h"
#include "support/fake_timers.h"
#include "support/log_driver.h"
#include "support/recording_log.h"
#include "support/seeded_random.h"

#include <functional>
#include <memory>
#include <vector>

namespace ion::test {

// A process with one storage in it.
class StoragePorts {
 public:
  virtual ~StoragePorts() = default;
  virtual Storage& storage() = 0;
  // Stops the process in order and starts another one; all logs are closed. What is not durable by nature is gone.
  virtual void restart() = 0;
  virtual void run() = 0;  // whatever waits
  virtual FakeClock& time() = 0;
  StorageDriver driver() {
    return {storage(), [this](const Asked&) { run(); }};
  }
};

class MmapFixture : public StoragePorts {
 public:
  explicit MmapFixture(const storage_mmap::StorageMmapConfig& config = {}, std::unique_ptr<FakeDisk> on = std::make_unique<FakeDisk>())
      : owned_disk_(std::move(on)), config_(config) {
    start();
  }
  ~MmapFixture() override { stop(); }
  Storage& storage() override { return *storage_; }
  storage_mmap::MmapStorage& mmap() { return *storage_; }
  void restart() override {
    stop();
    start();
  }
  void run() override { executor.run_all(); }
  FakeClock& time() override { return clock; }

  // ---- what only this one can do
  LogDriver open(std::string_view name = "p/a/0", const OpenOptions& options = {.segment_bytes = 4096}) {
    auto opened = driver().open(name, options);
    ION_ASSERT(opened.has_value());
    return *std::move(opened);
  }
  void stop() {
    if (storage_ == nullptr) return;
    run();
    Asked drained([&](Op& op) { return storage_->drain(op); });
    run();
    ION_ASSERT(drained.code() == ION_OK);
    storage_.reset();
    files_.reset();
  }
  // The process dies with everything in it; the logs it had open are given over to be forgotten. Then another one starts.
  void die(std::vector<std::unique_ptr<Log>> logs, const std::function<void()>& meanwhile) {
    disk.go_down();
    run();
    logs.clear();
    run();
    timers.forget_all();
    storage_.reset();
    files_.reset();
    meanwhile();
    start();
  }
  void start() {
    files_ = std::make_unique<FakeFiles>(disk);
    storage_ = std::make_unique<storage_mmap::MmapStorage>(storage_mmap::StoragePorts{*files_, executor, timers, clock, random, log}, config_);
    started = storage_->start();
  }

  // Time goes by and all timers fire in it. Answers how many did.
  int pass(Nanos time) {
    const Instant upto = clock.now() + time;
    int fired = 0;
    run();
    for (; timers.fire_next(upto); ++fired) run();
    if (upto > clock.now()) clock.advance(Nanos{static_cast<int64_t>(upto.ns - clock.now().ns)});
    return fired;
  }

  // The process is killed; the page cache survives.
  void kill(LogDriver& log_of_it) {
    std::vector<std::unique_ptr<Log>> logs;
    logs.push_back(log_of_it.abandon());
    die(std::move(logs), [this] { disk.kill(); });
  }

 private:
  std::unique_ptr<FakeDisk> owned_disk_;

 public:
  FakeDisk& disk = *owned_disk_;
  FakeExecutor executor;
  FakeClock clock;
  FakeTimers timers{clock};
  SeededRandom random{7};
  RecordingLog log;
  Status started;

 private:
  storage_mmap::StorageMmapConfig config_;
  std::unique_ptr<FakeFiles> files_;
  std::unique_ptr<storage_mmap::MmapStorage> storage_;
};

}  // namespace ion::test
