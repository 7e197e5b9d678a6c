// Everything that a broker gets from outside, as one value: time, random, threads, files, the log, signals. A broker draws nothing
// else from its process, so any number of them live in one process, each on a world of its own. RealWorld is the machine; a test
// has one whose time is imaginary and whose files lie in memory.
// What the accessors answer lives as long as the world. The world outlives the broker that was started on it.
#pragma once
#include <ion/ports.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace ion {

class World {
 public:
  virtual ~World() = default;

  virtual Clock& clock() = 0;
  // Processor time that the calling thread has used; 0 where time is imaginary. ANY
  virtual Nanos thread_cpu() = 0;
  virtual Executor& executor() = 0;  // its shards serve partitions
  // One shard more, which executor().post takes and executor().shards() does not count: work that may take milliseconds runs there.
  virtual ShardId control_shard() const = 0;
  virtual Timers& timers() = 0;
  virtual uint32_t cores() const = 0;  // at least 1

  virtual Logger& logger() = 0;
  virtual std::unique_ptr<Logger> logger_for(std::string_view name) = 0;  // never null
  virtual void set_log_level(LogLevel least) = 0;                        // of every logger of this world. ANY

  virtual std::unique_ptr<Random> random_for(std::string_view name) = 0;  // a stream per name; never null
  // The files below one absolute directory, which is made if it is not there. A lock that another process holds is waited for, with a
  // limit of seconds: that process may be ending.
  virtual Result<std::unique_ptr<Files>> files_for(const std::string& directory) = 0;
  // How many files the logs of this broker may hold open at a time. Connections, plugins and the like have their own share.
  virtual uint64_t descriptors_max() const = 0;
  // How many maps of files the logs of this broker may hold at a time; libraries and threads have their own share.
  virtual uint64_t maps_max() const { return UINT64_MAX; }

  // Waits until `holds`, which is asked with `lock` held, at first at once and then whenever `moved` is notified. False: `limit`
  // passed first. Never from work of the executor, for which it may wait.
  virtual bool await(std::unique_lock<std::mutex>& lock, std::condition_variable& moved, Nanos limit, const std::function<bool()>& holds) = 0;
  // Runs a step of foreign code on the control thread. False: `limit` passed first; the step may run on and owns what it touches.
  // One at a time.
  virtual bool run_step(std::function<void()> step, Nanos limit) = 0;

  // The next signal for the program: SIGTERM, SIGINT or SIGHUP. Waits without a limit. MAIN
  virtual int next_signal() = 0;
  // Refuses new work with CLOSED, ends the accepted, fires no timer any more. DEADLINE names who hangs; then nothing that work
  // refers to may be destroyed. Once OK, again is nothing new.
  virtual Status stop_work(Nanos limit) = 0;
};

}  // namespace ion
