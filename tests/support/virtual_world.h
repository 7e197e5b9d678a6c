// Worlds for whole brokers whose time is imaginary: nothing waits for real, everything runs on the thread of the test, files lie in
// memory and survive the broker. Several worlds share one VirtualTime, so brokers see the same clock and each other's work goes on
// while one of them is waited for.
//   VirtualTime time;   VirtualMachine machine;   VirtualWorld world(time, machine);   auto broker = Broker::start(config, {}, world);
// When nothing is left to do the clock jumps to the next timer. What nobody can complete any more is therefore noticed at once: the
// wait for it ends with its limit of virtual time. Thread: one.
#pragma once
#include "base/thread_place.h"
#include "base/world.h"
#include "support/fake_clock.h"
#include "support/fake_files.h"
#include "support/recording_log.h"
#include "support/seeded_random.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace ion::test {

// What one machine keeps when its process ends: a disk for each directory.
class VirtualMachine {
 public:
  FakeDisk& disk(const std::string& directory) {
    auto& disk = disks_[directory];
    if (disk == nullptr) disk = std::make_unique<FakeDisk>();
    return *disk;
  }
  template <class F>
  void each_disk(F&& f) {
    for (auto& [directory, disk] : disks_) f(*disk);
  }

 private:
  std::map<std::string, std::unique_ptr<FakeDisk>> disks_;
};

// The executor and timers of one world. Work runs in the order in which it came, or in one that is drawn: then only the order within a
// shard is kept, and blocking jobs overtake each other and the shards.
class VirtualWork final : public Executor, public Timers {
 public:
  VirtualWork(FakeClock& clock, uint32_t shards) : clock_(clock), shards_(shards) {}
  ~VirtualWork() override { ION_ASSERT(queue_.empty()); }

  uint32_t shards() const override { return shards_; }
  Status post(ShardId shard, ion_fn fn, void* ctx) override {
    if (shard.v > shards_) return {ION_E_INVALID, "no such shard"};  // one more than counted: the control shard
    return put({{ION_WORD_SHARD, shard.v}, fn, ctx});
  }
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return post(shard, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override { return put({{ION_WORD_BLOCKING, base::kNoShard}, fn, ctx}); }
  Result<TimerHandle> arm(ShardId shard, Instant at, ion_fn fn, void* ctx) override {
    if (closed_) return Status(ION_E_CLOSED, "this world has ended");
    armed_[++last_] = {at, shard, fn, ctx};
    return reinterpret_cast<TimerHandle>(static_cast<uintptr_t>(last_));
  }
  bool disarm(TimerHandle timer) override { return armed_.erase(reinterpret_cast<uintptr_t>(timer)) == 1; }

  void draw_order_from(SeededRandom* random) { random_ = random; }
  // False: nothing was to do.
  bool run_one() {
    if (queue_.empty()) return false;
    return run_at(random_ != nullptr ? random_->below(queue_.size()) : 0), true;
  }
  // The same for the shards alone: what goes on while a blocking job waits for the disk.
  bool run_one_on_a_shard() {
    const auto at = std::find_if(queue_.begin(), queue_.end(), [](const Task& task) { return task.place.word == ION_WORD_SHARD; });
    if (at == queue_.end()) return false;
    return run_at(static_cast<size_t>(at - queue_.begin())), true;
  }
  std::optional<Instant> next_timer() const {
    std::optional<Instant> first;
    for (const auto& [id, timer] : armed_)
      if (!first || timer.at < *first) first = timer.at;
    return first;
  }
  void fire_due() {
    for (auto at = armed_.begin(); at != armed_.end();) {
      if (at->second.at > clock_.now()) {
        ++at;
        continue;
      }
      const Timer due = at->second;
      at = armed_.erase(at);
      queue_.push_back({{ION_WORD_SHARD, due.shard.v}, due.fn, due.ctx});
    }
  }
  void close() {
    while (run_one()) continue;
    closed_ = true;
    armed_.clear();
  }

 private:
  struct Task {
    base::ThreadPlace place;
    ion_fn fn;
    void* ctx;
  };
  struct Timer {
    Instant at;
    ShardId shard;
    ion_fn fn;
    void* ctx;
  };
  Status put(const Task& task) {
    if (closed_) return {ION_E_CLOSED, "this world has ended"};
    queue_.push_back(task);
    return {};
  }
  // That task, or the first of its shard.
  void run_at(size_t at) {
    if (queue_[at].place.word == ION_WORD_SHARD)
      for (size_t i = 0; i < at; ++i)
        if (queue_[i].place.word == ION_WORD_SHARD && queue_[i].place.shard == queue_[at].place.shard) at = i;
    const Task task = queue_[at];
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(at));
    const base::PlaceScope here(task.place);
    task.fn(task.ctx);
  }
  FakeClock& clock_;
  const uint32_t shards_;
  std::deque<Task> queue_;
  SeededRandom* random_ = nullptr;
  std::map<uintptr_t, Timer> armed_;
  uintptr_t last_ = 0;
  bool closed_ = false;
};

// The clock of all worlds, and who has work.
class VirtualTime {
 public:
  FakeClock& clock() { return clock_; }
  void add(VirtualWork& work) { works_.push_back(&work); }
  void remove(VirtualWork& work) { std::erase(works_, &work); }

  // Lets every world work, one task each in turn, until `holds`. False: `limit` of virtual time passed first.
  bool run_until(Nanos limit, const std::function<bool()>& holds) {
    const Instant end = clock_.now() + limit;
    while (!holds()) {
      bool worked = false;
      fire_due();  // work may have taken time
      for (size_t i = 0; i < works_.size(); ++i) worked |= works_[i]->run_one();
      if (!worked && !jump(end)) return holds();
    }
    return true;
  }

 private:
  // To the next timer, but not beyond `end`.
  bool jump(Instant end) {
    std::optional<Instant> next;
    for (const VirtualWork* work : works_)
      if (const auto first = work->next_timer(); first && (!next || *first < *next)) next = first;
    const Instant to = next && *next < end ? *next : end;
    if (to > clock_.now()) clock_.advance(to - clock_.now());
    fired_at_ = {};  // also those that were armed for now
    return next && *next <= end;
  }
  void fire_due() {
    if (const Instant now = clock_.now(); now != fired_at_) {
      fired_at_ = now;
      for (VirtualWork* work : works_) work->fire_due();
    }
  }
  FakeClock clock_;
  Instant fired_at_;
  std::vector<VirtualWork*> works_;
};

class VirtualWorld final : public World {
 public:
  VirtualWorld(VirtualTime& time, VirtualMachine& machine, uint64_t seed = 1)
      : time_(time), machine_(machine), seed_(seed), work_(time.clock(), kShards) {
    time_.add(work_);
  }
  ~VirtualWorld() override {
    work_.close();
    time_.remove(work_);
  }

  Clock& clock() override { return time_.clock(); }
  Nanos thread_cpu() override { return {}; }
  Executor& executor() override { return work_; }
  ShardId control_shard() const override { return {kShards}; }
  Timers& timers() override { return work_; }
  uint32_t cores() const override { return kShards; }
  Logger& logger() override { return log_; }
  std::unique_ptr<Logger> logger_for(std::string_view) override { return std::make_unique<SharedLog>(log_); }
  void set_log_level(LogLevel least) override { log_level = least; }
  std::unique_ptr<Random> random_for(std::string_view name) override {
    uint64_t mixed = seed_;
    for (const char c : name) mixed = mixed * 1099511628211ULL + static_cast<uint8_t>(c);
    return std::make_unique<SeededRandom>(mixed);
  }
  Result<std::unique_ptr<Files>> files_for(const std::string& directory) override {
    return std::unique_ptr<Files>(std::make_unique<FakeFiles>(machine_.disk(directory)));
  }
  uint64_t descriptors_max() const override { return 1024; }
  bool await(std::unique_lock<std::mutex>& lock, std::condition_variable&, Nanos limit, const std::function<bool()>& holds) override {
    return time_.run_until(limit, [&] {
      if (!lock.owns_lock()) lock.lock();
      const bool held = holds();
      if (!held) lock.unlock();
      return held;
    }) || (relock(lock), false);
  }
  bool run_step(std::function<void()> step, Nanos) override {
    const base::PlaceScope here({ION_WORD_CONTROL, base::kNoShard});
    step();
    return true;
  }
  int next_signal() override { return 0; }
  Status stop_work(Nanos) override { return work_.close(), Status(); }

  RecordingLog& log() { return log_; }
  VirtualWork& work() { return work_; }
  LogLevel log_level = LogLevel::kInfo;

 private:
  static constexpr uint32_t kShards = 2;
  static void relock(std::unique_lock<std::mutex>& lock) {
    if (!lock.owns_lock()) lock.lock();
  }
  class SharedLog final : public Logger {
   public:
    explicit SharedLog(RecordingLog& log) : log_(log) {}
    void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) override { log_.write(level, text, fields); }

   private:
    RecordingLog& log_;
  };
  VirtualTime& time_;
  VirtualMachine& machine_;
  const uint64_t seed_;
  RecordingLog log_;
  VirtualWork work_;
};

}  // namespace ion::test
