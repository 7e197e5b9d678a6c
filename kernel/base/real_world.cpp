#include "base/real_world.h"

#include "base/asio_timers.h"
#include "base/io_loop.h"
#include "base/posix_files.h"
#include "base/signals.h"
#include "base/system_random.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace ion::base {
namespace {

constexpr Nanos kEndLimit = seconds(10);       // of work that is left when the world ends and nobody has waited for it
constexpr Nanos kAgainLimit = milliseconds(100);  // if somebody has
constexpr Nanos kLogLimit = seconds(1);        // for the last lines: a log that nobody reads decides nothing
constexpr Nanos kLockLimit = seconds(5);       // of the lock of a process that is being taken down
constexpr uint64_t kDescriptorsKept = 256;     // of the process, for connections, plugins and the program itself ...
constexpr uint64_t kDescriptorsKeptShare = 4;  // ... or this part of all, whichever is less
constexpr uint64_t kMapsKept = 8192;           // of the process, for libraries, stacks, memory, and sealed segments that are read ...
constexpr uint64_t kMapsKeptShare = 4;         // ... or this part of all, whichever is less

}  // namespace

Result<std::unique_ptr<RealWorld>> RealWorld::start(RealWorldOptions options) {
  std::unique_ptr<RealWorld> made(new RealWorld(std::move(options), std::max(1U, std::thread::hardware_concurrency())));
  ION_CHECK(made->build());
  return made;
}

RealWorld::RealWorld(RealWorldOptions options, uint32_t cores) : options_(std::move(options)), cores_(cores) {}

Status RealWorld::build() {
  ION_TRY(seed_, SystemRandom::fresh_seed());
  ION_TRY(logger_, SpdLogger::start(clock_, options_.log));
  ION_TRY(loop_, IoLoop::start());
  ION_TRY(signals_, Signals::start(*loop_));
  ShardPoolOptions threads;
  threads.shards = (options_.shards == 0 ? cores_ : options_.shards) + 1;
  threads.shard.tasks_max = options_.shard_queue;
  threads.blocking.threads = options_.blocking_threads;
  threads.blocking.jobs_max = options_.blocking_jobs;
  ION_TRY(pool_, ShardPool::start(threads));
  executor_.emplace(*pool_);
  timers_ = std::make_unique<AsioTimers>(clock_, *pool_, *loop_);
  return {};
}

RealWorld::~RealWorld() {
  const bool ended = stop_work(asked_ ? kAgainLimit : kEndLimit).ok();
  if (!ended && logger_ != nullptr) logger_->error("work of this process hangs and is left behind");
  const bool written = logger_ == nullptr || logger_->flush(kLogLimit);
  if (!ended) (void)timers_.release(), (void)pool_.release(), (void)signals_.release(), (void)loop_.release();
  if (!ended || !written) (void)logger_.release();  // its destructor would wait for a reader that does not come
}

Timers& RealWorld::timers() { return *timers_; }

std::unique_ptr<Random> RealWorld::random_for(std::string_view name) { return std::make_unique<SystemRandom>(seed_, name); }

Result<std::unique_ptr<Files>> RealWorld::files_for(const std::string& directory) {
  LockWait wait{kLockLimit, [this](const std::string& file) {
                  logger_->info("a file is locked by another process and is waited for", {{"file", file}, {"limit_ms", std::to_string(kLockLimit.n / 1'000'000)}});
                }};
  ION_TRY(auto files, PosixFiles::open(directory, std::move(wait)));
  return std::unique_ptr<Files>(std::move(files));
}

uint64_t RealWorld::descriptors_max() const {
  const uint64_t all = options_.descriptors;
  return all - std::min(all, std::max(options_.descriptors_kept, std::min(kDescriptorsKept, all / kDescriptorsKeptShare)));
}

uint64_t RealWorld::maps_max() const { return options_.maps - std::min(options_.maps, std::min(kMapsKept, options_.maps / kMapsKeptShare)); }

bool RealWorld::await(std::unique_lock<std::mutex>& lock, std::condition_variable& moved, Nanos limit, const std::function<bool()>& holds) {
  return moved.wait_for(lock, std::chrono::nanoseconds(limit.n), holds);
}

int RealWorld::next_signal() { return signals_->next(); }

// Work first: its last tasks may arm timers, which are refused only by a loop that is stopped.
Status RealWorld::stop_work(Nanos limit) {
  asked_ = true;
  if (std::exchange(stopped_, true)) return {};
  if (pool_ != nullptr) {
    if (Status ended = pool_->stop(limit); !ended.ok()) return stopped_ = false, ended;
  }
  if (loop_ != nullptr) loop_->stop();
  return {};
}

}  // namespace ion::base
