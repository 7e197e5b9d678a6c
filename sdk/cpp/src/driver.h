// The client's one thread: it takes completions from gRPC's queue, and lets sessions tick when their time has come.
// Everything that calls back to the user does so on this thread. It keeps itself alive until the last call has ended.
// Any thread may call the functions; run() alone is the thread's. Bound: one entry per call in progress.
#pragma once
#include <ion/time.h>

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace ion::client {

// What stands behind the void* of gRPC's queue.
class Tag {
 public:
  virtual void done(bool ok) = 0;

 protected:
  ~Tag() = default;
};

// Something that wants to be called at a time. wake_at() may lie too early, never too late.
class Ticker {
 public:
  virtual ~Ticker() = default;
  virtual Instant wake_at() = 0;
  virtual void tick(Instant now) = 0;
};

// The time of day, told from the monotonic clock that was read anyway: the system is asked ten times a second, so a clock that was
// set is noticed within 100 ms. Not for several threads.
class WallClock {
 public:
  WallMs at(Instant now);

 private:
  Instant asked_;
  int64_t ahead_ns_ = 0;  // of the monotonic clock
};

class Driver : public std::enable_shared_from_this<Driver> {
 public:
  class Call {
   public:
    virtual ~Call() = default;
    virtual void cancel() = 0;
  };

  static std::shared_ptr<Driver> start();
  // Cancels every call and waits until they have ended; from the thread itself it does not wait.
  void stop();

  grpc::CompletionQueue& queue() { return queue_; }
  bool here() const { return std::this_thread::get_id() == id_; }  // are we on the thread?
  static Instant now();
  uint64_t random();

  // Each call in progress is known here; false: no calls are begun any more.
  bool enter(const std::shared_ptr<Call>& call);
  void leave(const Call* call);

  void add(std::weak_ptr<Ticker> ticker);
  // Call it under the lock that guards the wake_at() it speaks of: then either the thread's next look sees that, or this sees
  // that the thread has looked.
  void wake_by(Instant at);

 private:
  struct Alarm final : Tag {
    explicit Alarm(Driver& d) : driver(d) {}
    void done(bool) override;
    Driver& driver;
  };
  Driver() : alarm_tag_(*this), random_(std::random_device{}()) {}
  void run();
  void tick_all(Instant now);
  void lower_due(Instant at);  // with mutex_ held
  void ring();                 // with mutex_ held
  bool may_end();

  grpc::CompletionQueue queue_;
  grpc::Alarm alarm_;
  Alarm alarm_tag_;
  std::thread thread_;
  std::atomic<std::thread::id> id_;

  std::mutex mutex_;
  std::mt19937_64 random_;
  std::vector<std::weak_ptr<Ticker>> tickers_;
  std::map<const Call*, std::weak_ptr<Call>> calls_;
  std::atomic<uint64_t> due_ns_{UINT64_MAX};  // written with mutex_ held
  Instant sleeping_until_;                    // 0: awake
  bool ringing_ = false, stopping_ = false, shut_ = false;
};

}  // namespace ion::client
