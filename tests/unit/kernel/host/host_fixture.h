// The world of a PluginHost under the test's hand: clock, executor, timers and log are imaginary, files lie in a folder of the
// test, plugins are copied there from the build folder, so that owner and mode are the test's own.
#pragma once
#include "base/control_thread.h"
#include "base/posix_files.h"
#include "base/system_random.h"
#include "config/config_snapshot.h"
#include "host/plugin_host.h"
#include "plugins/test_contract.h"

#include <ion/abi/host/broker_api.h>

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace ion::host {

class TestClock final : public Clock {
 public:
  Instant now() override { return {now_.load()}; }
  WallMs wall() override { return {1'700'000'000'000}; }
  void advance(Nanos by) { now_ += static_cast<uint64_t>(by.n); }

 private:
  std::atomic<uint64_t> now_{1'000'000'000};
};

// Runs what was posted when the test says so; timers fire when the test has moved the clock.
class TestWork final : public Executor, public Timers {
 public:
  explicit TestWork(TestClock& clock) : clock_(clock) {}
  uint32_t shards() const override { return 3; }
  Status post(ShardId, ion_fn fn, void* ctx) override {
    const std::lock_guard lock(mutex_);
    queue_.emplace_back(fn, ctx);
    return {};
  }
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return post(shard, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override { return post({0}, fn, ctx); }
  Result<TimerHandle> arm(ShardId, Instant at, ion_fn fn, void* ctx) override {
    const std::lock_guard lock(mutex_);
    armed_[++last_] = {at, fn, ctx};
    return reinterpret_cast<TimerHandle>(static_cast<uintptr_t>(last_));
  }
  bool disarm(TimerHandle timer) override {
    const std::lock_guard lock(mutex_);
    return armed_.erase(reinterpret_cast<uintptr_t>(timer)) == 1;
  }
  void run_all() {
    fire_due();
    for (;;) {
      std::unique_lock lock(mutex_);
      if (queue_.empty()) return;
      const auto [fn, ctx] = queue_.front();
      queue_.pop_front();
      lock.unlock();
      fn(ctx);
    }
  }

 private:
  struct Timer {
    Instant at;
    ion_fn fn;
    void* ctx;
  };
  void fire_due() {
    const std::lock_guard lock(mutex_);
    for (auto at = armed_.begin(); at != armed_.end();) {
      if (at->second.at <= clock_.now()) {
        queue_.emplace_back(at->second.fn, at->second.ctx);
        at = armed_.erase(at);
      } else {
        ++at;
      }
    }
  }
  TestClock& clock_;
  std::mutex mutex_;
  std::deque<std::pair<ion_fn, void*>> queue_;
  std::map<uintptr_t, Timer> armed_;
  uintptr_t last_ = 0;
};

class TestLog final : public Logger {
 public:
  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) override {
    std::string line = std::to_string(static_cast<int>(level)) + " " + std::string(text);
    for (const LogField& f : fields) line += " " + std::string(f.key) + "=" + f.value;
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Steps and waits are real, so that a plugin that hangs is noticed; everything else is under the test's hand.
class TestWorld final : public World {
 public:
  TestWorld(TestClock& clock, TestWork& work, TestLog& log) : clock_(clock), work_(work), log_(log) {}
  Clock& clock() override { return clock_; }
  Nanos thread_cpu() override { return {}; }
  Executor& executor() override { return work_; }
  ShardId control_shard() const override { return {0}; }
  Timers& timers() override { return work_; }
  uint32_t cores() const override { return 1; }
  Logger& logger() override { return log_; }
  std::unique_ptr<Logger> logger_for(std::string_view) override { return std::make_unique<SharedLog>(log_); }
  void set_log_level(LogLevel) override {}
  std::unique_ptr<Random> random_for(std::string_view name) override { return std::make_unique<base::SystemRandom>(7, name); }
  Result<std::unique_ptr<Files>> files_for(const std::string& directory) override {
    ION_TRY(auto files, base::PosixFiles::open(directory));
    return std::unique_ptr<Files>(std::move(files));
  }
  uint64_t descriptors_max() const override { return 100; }
  bool await(std::unique_lock<std::mutex>& lock, std::condition_variable& moved, Nanos limit, const std::function<bool()>& holds) override {
    return moved.wait_for(lock, std::chrono::nanoseconds(limit.n), holds);
  }
  bool run_step(std::function<void()> step, Nanos limit) override { return control_.run(std::move(step), limit); }
  int next_signal() override { return 0; }
  Status stop_work(Nanos) override { return {}; }

 private:
  class SharedLog final : public Logger {
   public:
    explicit SharedLog(TestLog& log) : log_(log) {}
    void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) override { log_.write(level, text, fields); }

   private:
    TestLog& log_;
  };
  TestClock& clock_;
  TestWork& work_;
  TestLog& log_;
  base::ControlThread control_;
};

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "ion-host-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class PluginHostTest : public testing::Test {
 protected:
  PluginHostTest() {
    for (const char* dir : {"plugins", "data"}) make_dir(dir);
  }
  ~PluginHostTest() override { EXPECT_TRUE(!host_ || destroyed_) << "a test must destroy its host"; }

  void make_dir(const std::string& name) { ASSERT_EQ(::mkdir((temp_ / name).c_str(), 0755), 0); }
  static std::string built(const std::string& name) {
    return std::string(ION_TEST_PLUGINS) + "/ionstream-plugin-test-" + name + ".so";
  }
  std::string installed(const std::string& name) const { return temp_ / ("plugins/ionstream-plugin-" + name + ".so"); }
  // Puts the built test plugin `from` where the host looks for `name`.
  void install(const std::string& from, const std::string& name) {
    std::filesystem::copy_file(built(from), installed(name), std::filesystem::copy_options::overwrite_existing);
    ASSERT_EQ(::chmod(installed(name).c_str(), 0644), 0);
  }
  void install(const std::string& name) { install(name, name); }

  static PluginSpec spec(const std::string& name, const std::string& config = "{}", const std::string& path = {}) {
    return {name, path, [name, config](std::string_view schema) -> Result<std::string> {
              const std::string at = "plugins." + name + ".config";
              ION_TRY(const config::Node tree, config::parse_jsonc(config, {config::Layer::kFile, "test.jsonc", 0}, at));
              ION_TRY(config::CheckedConfig checked, config::check_plugin_config(tree, name, schema));
              return checked.json;
            }};
  }

  HostEnvironment environment() {
    return {world_, {NodeId{42}, "rack-1", "test-cluster", "0.0.0"}, &metrics_, &events_, services_, uint64_t{1} << 20};
  }
  PluginHost& host() {
    if (!host_) {
      options_.places.directories = {temp_ / "plugins"};
      options_.places.data_dir = temp_ / "data";
      options_.probe_program = ION_TEST_PROBE;
      options_.on_fault = [this](const std::string& name, const Status& why) { faults_.push_back(name + ": " + why.text()); };
      host_ = std::make_unique<PluginHost>(environment(), options_);
    }
    return *host_;
  }
  Status load(const std::vector<PluginSpec>& specs) { return host().load(specs); }
  Status destroy() {
    destroyed_ = true;
    return host().destroy();
  }
  // Installs one test plugin under its own name and loads it; the host survives, whatever happens.
  Status load_one(const std::string& name, const std::string& config = "{}") {
    install(name);
    const Status loaded = load({spec(name, config)});
    EXPECT_TRUE(loaded.ok() || destroy().ok());
    return loaded;
  }

  struct Probe {
    const ion_test_probe* table;
    void* self;
    uint64_t ask(const char* what) const {
      uint64_t out = UINT64_MAX;
      EXPECT_EQ(table->ask(self, bytes_of(what), &out), ION_OK) << what;
      return out;
    }
    ion_status tell(const char* what) const { return table->tell(self, bytes_of(what)); }
  };
  Probe probe(size_t which = 0) {
    const auto found = host().contracts(ION_TEST_PROBE_ID);
    EXPECT_GT(found.size(), which);
    return {static_cast<const ion_test_probe*>(found.at(which).ref.table), found.at(which).ref.self};
  }

  TempDir temp_;
  TestClock clock_;
  TestWork work_{clock_};
  TestLog log_;
  TestWorld world_{clock_, work_, log_};
  observe::MetricRegistry metrics_{1};
  observe::KernelEvents events_;
  std::vector<GivenService> services_;
  PluginHostOptions options_;
  std::vector<std::string> faults_;
  std::unique_ptr<PluginHost> host_;
  bool destroyed_ = false;
};

// The class of a failure: its code, and what the message must name.
#define EXPECT_REFUSED(expression, wanted_code, ...)                                                                       \
  do {                                                                                                                     \
    const ion::Status refused_ = (expression);                                                                             \
    EXPECT_EQ(ion::code_name(refused_.code()), ion::code_name(wanted_code)) << refused_.message();                           \
    for (const std::string& part_ : std::vector<std::string>{__VA_ARGS__})                                                 \
      EXPECT_NE(refused_.message().find(part_), std::string::npos) << "wanted \"" << part_ << "\" in: " << refused_.message(); \
  } while (false)

}  // namespace ion::host
